/** Whether an address, IPv4 always in its own form, is that of a proxy that is believed. */
export type IsProxy = (address: string) => boolean;

/**
 * From where a request came. `X-Forwarded-For` is believed only as far as each hop is a named proxy, read from the
 * right: whatever stands left of the first unnamed address, anybody may have written.
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: string | null | undefined,
  isProxy: IsProxy,
): string | undefined {
  if (remote === undefined) return undefined;
  let address = plainAddress(remote);
  const hops = hopsOf(forwardedFor);
  while (isProxy(address)) {
    const hop = hops.pop()?.trim();
    if (hop === undefined || !ADDRESS.test(hop)) return address;
    address = plainAddress(hop);
  }
  return address;
}

/**
 * From where a request came that a named proxy asks about. Undefined where the proxy does not say it: its own address is
 * that of everybody, and whoever is bound to a network must not come out of it for that.
 */
export function forwardedAddress(forwardedFor: string | null | undefined, isProxy: IsProxy): string | undefined {
  const hops = hopsOf(forwardedFor);
  const hop = hops.pop()?.trim();
  return hop === undefined || !ADDRESS.test(hop) ? undefined : clientAddress(hop, hops.join(','), isProxy);
}

/** IPv4 in the clothes of IPv6 is IPv4. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();

const hopsOf = (forwardedFor: string | null | undefined): string[] => forwardedFor?.split(',') ?? [];

const ADDRESS = /^[0-9A-Fa-f:.]{2,45}$/;
