import { BlockList, isIP } from 'node:net';

/** Addresses that are nobody's on the internet: this machine, private networks, link-local (cloud metadata), and more. */
const V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const V6: readonly (readonly [string, number])[] = [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const list = new BlockList();
for (const [net, prefix] of V4) list.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of V6) list.addSubnet(net, prefix, 'ipv6');

/**
 * Whether an address must not be reached on somebody's word. IPv4 in the clothes of IPv6 is looked at as IPv4; what is
 * no address at all is refused too.
 *
 * @spec RFC 6890, RFC 4291 §2.5.5 (OPS-03)
 */
export function isSpecialUse(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').split('%', 1)[0] ?? '';
  const family = isIP(plain);
  if (family === 0) return true;
  return list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}
