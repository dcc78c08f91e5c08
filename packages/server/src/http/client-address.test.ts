import { expect, test } from 'vitest';
import { clientAddress } from './client-address.ts';

const proxies = ['10.0.0.1', '10.0.0.2'];

test.each([
  ['no proxy: the header is not believed', '192.0.2.7', '203.0.113.9', '192.0.2.7'],
  ['one named proxy', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['two named proxies', '10.0.0.2', '203.0.113.9, 10.0.0.1', '203.0.113.9'],
  ['what a client wrote itself stands left of the truth', '10.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['a proxy that says nothing', '10.0.0.1', null, '10.0.0.1'],
  ['nonsense is not an address', '10.0.0.1', 'unknown"', '10.0.0.1'],
  ['IPv4 mapped into IPv6', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
])('%s', (_, remote, header, expected) => {
  expect(clientAddress(remote, header, proxies)).toBe(expected);
});
