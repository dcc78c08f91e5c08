import { expect, test } from 'vitest';
import { clientAddress, forwardedAddress, plainAddress } from './client-address.ts';

const isProxy = (address: string) => address === '10.0.0.1' || address === '10.0.0.2';

test.each([
  ['no proxy: the header is not believed', '192.0.2.7', '203.0.113.9', '192.0.2.7'],
  ['one named proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['two named proxies', '10.0.0.2', '203.0.113.9, 10.0.0.1', '203.0.113.9'],
  ['what a client wrote itself stands left of the truth', '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['a proxy that says nothing', '10.0.0.1', null, '10.0.0.1'],
  ['nonsense is not an address', '10.0.0.1', 'unknown"', '10.0.0.1'],
  ['IPv4 mapped into IPv6', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['a connection without an address', undefined, '203.0.113.9', undefined],
])('%s', (_, remote, header, expected) => {
  expect(clientAddress(remote, header, isProxy)).toBe(expected);
});

test.each([
  ['the last hop is the word of the proxy that asks', '203.0.113.9', '203.0.113.9'],
  ['what a client wrote itself stands left of the truth', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['another named proxy before', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
  ['a forgery before it', '198.51.100.1, 203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
  ['IPv6', '2001:DB8::1', '2001:db8::1'],
  ['a proxy that says nothing', undefined, undefined],
  ['a proxy that says nothing', null, undefined],
  ['an empty header', '', undefined],
  ['an empty last hop', '203.0.113.9,', undefined],
  ['nonsense is not an address', '203.0.113.9, unknown', undefined],
  ['an address and a port', '203.0.113.9:4711', '203.0.113.9:4711'],
])('of a request that a proxy asks about: %s', (_, header, expected) => {
  expect(forwardedAddress(header, isProxy)).toBe(expected);
});

test('IPv4 in the clothes of IPv6 is IPv4', () => {
  expect(['::FFFF:10.0.0.1', '::ffff:a00:1', '2001:DB8::A'].map(plainAddress)).toEqual([
    '10.0.0.1',
    '::ffff:a00:1',
    '2001:db8::a',
  ]);
});
