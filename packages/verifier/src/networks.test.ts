import { describe, expect, test } from 'vitest';
import { isWithin } from './networks.ts';

describe('whether an address is in it', () => {
  test.each([
    ['10.0.0.0', ['10.0.0.0/8'], true],
    ['10.255.255.255', ['10.0.0.0/8'], true],
    ['11.0.0.0', ['10.0.0.0/8'], false],
    ['9.255.255.255', ['10.0.0.0/8'], false],
    ['11.0.0.0', ['10.0.0.0/8', '11.0.0.0/8'], true],
    ['192.0.2.7', ['192.0.2.7/32'], true],
    ['192.0.2.8', ['192.0.2.7/32'], false],
    ['::ffff:10.1.2.3', ['10.0.0.0/8'], true],
    ['::FFFF:10.1.2.3', ['10.0.0.0/8'], true],
    ['::ffff:11.1.2.3', ['10.0.0.0/8'], false],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['2001:DB8:0:0::1', ['2001:db8::/32'], true],
    ['2001:db9::1', ['2001:db8::/32'], false],
    ['fe80::1%eth0', ['fe80::/10'], true],
    ['10.1.2.3', ['::/0'], false],
    ['2001:db8::1', ['0.0.0.0/0'], false],
    ['not an address', ['0.0.0.0/0', '::/0'], false],
    ['', ['0.0.0.0/0', '::/0'], false],
    ['10.1.2.3, 10.1.2.4', ['0.0.0.0/0'], false],
    [undefined, ['0.0.0.0/0', '::/0'], false],
  ] as const)('%s in %j: %s', (address, networks, expected) => {
    expect(isWithin(address, networks)).toBe(expected);
    expect(isWithin(address, networks)).toBe(expected);
  });
});

test('many addresses of one list: each gets its own answer', () => {
  const networks = ['10.0.0.0/25'];
  for (let round = 0; round < 2; round++)
    for (let n = 0; n < 256; n++) expect([n, isWithin(`10.0.0.${n}`, networks)]).toEqual([n, n < 128]);
});
