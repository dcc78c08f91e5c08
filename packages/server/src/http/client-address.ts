/**
 * From where a request came. `X-Forwarded-For` is believed only as far as each hop is a named proxy, read from the
 * right: whatever stands left of the first unnamed address, anybody may have written.
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: string | null,
  trustedProxies: readonly string[],
): string | undefined {
  if (remote === undefined) return undefined;
  let address = plain(remote);
  const hops = forwardedFor === null ? [] : forwardedFor.split(',');
  while (trustedProxies.includes(address)) {
    const hop = hops.pop()?.trim();
    if (hop === undefined || !ADDRESS.test(hop)) return address;
    address = plain(hop);
  }
  return address;
}

/** Whether the other end of a connection is a named proxy. */
export const isNamedProxy = (remote: string | undefined, trustedProxies: readonly string[]): boolean =>
  remote !== undefined && trustedProxies.includes(plain(remote));

const ADDRESS = /^[0-9A-Fa-f:.]{2,45}$/;

/** IPv4 in the clothes of IPv6 is IPv4. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
