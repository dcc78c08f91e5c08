import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isInNetworks, isNetwork } from './network.ts';

test('APK-03: networks are written as CIDR, IPv4 or IPv6, without bits beyond the prefix', () => {
  for (const text of [
    '0.0.0.0/0',
    '192.0.2.0/24',
    '192.0.2.128/25',
    '192.0.2.1/32',
    '::/0',
    '2001:db8::/32',
    '2001:DB8:0:0:0:0:0:1/128',
    '::1/128',
    '2001:db8::192.0.2.1/128',
    '1:2:3:4:5:6:192.0.2.1/128',
    '2001:8000::/17',
  ])
    expect([text, isNetwork(text)]).toEqual([text, true]);
  for (const text of [
    '',
    '/',
    '192.0.2.1',
    '192.0.2.1/24',
    '192.0.2.0/33',
    '192.0.2.0/024',
    '192.0.2.0/-1',
    '192.0.2/24',
    '192.0.2.0.0/24',
    '192.0.2.256/32',
    '192.0.02.1/32',
    '2001:db8::/129',
    '2001:db8::1/32',
    '2001::db8::/32',
    '2001:db8/32',
    '1:2:3:4:5:6:7:8:9/128',
    '1:2:3:4:5:6:7::8/128',
    '12345::/16',
    '192.0.2.1::/128',
    '::192.0.2.256/128',
    '1:2:3:4:5:6:7:192.0.2.1/128',
    '192.0.2.0 /24',
    '192.0.2.0/24\n',
    'fe80::%eth0/64',
    ':/0',
    ':::192.0.2.1/128',
    '192.0.2.1::1/128',
    '1:2:3:4:5:6:7/128',
    '::ffff:192.0.2.1/32',
    '::ffff:192.0.2.0/120',
  ])
    expect([text, isNetwork(text)]).toEqual([text, false]);
});

test('APK-03: an address lies in a network, or it does not: the last of it, and one beyond', () => {
  const cases: readonly (readonly [string | undefined, string, boolean])[] = [
    ['192.0.2.0', '192.0.2.0/25', true],
    ['192.0.2.127', '192.0.2.0/25', true],
    ['192.0.2.128', '192.0.2.0/25', false],
    ['192.0.1.255', '192.0.2.0/25', false],
    ['::ffff:192.0.2.1', '192.0.2.0/24', true],
    ['::FFFF:c000:201', '192.0.2.0/24', true],
    ['192.0.2.1', '::/0', false],
    ['::1', '0.0.0.0/0', false],
    ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db8::/32', true],
    ['2001:db9::', '2001:db8::/32', false],
    ['203.0.113.9', '0.0.0.0/0', true],
    ['unknown', '0.0.0.0/0', false],
    [undefined, '0.0.0.0/0', false],
    ['192.0.2.1', 'no network', false],
  ];
  for (const [address, network, expected] of cases)
    expect([address, network, isInNetworks(address, [network])]).toEqual([address, network, expected]);
  expect(isInNetworks('192.0.2.1', [])).toBe(false);
  expect(isInNetworks('192.0.2.1', ['198.51.100.0/24', '192.0.2.1/32'])).toBe(true);
});

test('whatever the text, it is no network unless it is written as one, and nothing throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostileText,
        hostileText.map((text) => `${text}/24`),
      ),
      (text) => {
        expect(isNetwork(text)).toBe(false);
        expect(isInNetworks(text, ['0.0.0.0/0', '::/0'])).toBe(false);
      },
    ),
  );
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), (four, six) => {
      expect(isNetwork(`${four}/32`)).toBe(true);
      expect(isInNetworks(four, [`${four}/32`])).toBe(true);
      expect(isInNetworks(six, [`${six}/128`])).toBe(isNetwork(`${six}/128`));
    }),
  );
});
