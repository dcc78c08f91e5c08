import { LIMITS } from '@latchkey/protocol/limits';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { parseIdentifier } from './identifier.ts';
import { isMailable } from './mail-address.ts';
import { noticeWrites } from './notice.ts';

const local = (length: number) => `${'x'.repeat(length)}@example.com`;

test.each([
  ['alice@example.com', true],
  ["o'neil+shop@mail.example.co.uk", true],
  ['jürgen@bücher.example', true],
  [local(LIMITS.mailLocalPartMax), true],
  [local(LIMITS.mailLocalPartMax + 1), false],
  ['alice', false],
  ['.alice@example.com', false],
  ['alice.@example.com', false],
  ['al..ice@example.com', false],
  ['alice@-example.com', false],
  ['alice@example-.com', false],
  ['alice@ex_ample.com', false],
  ['alice@example..com', false],
])('attack 8.30, RFC 5321 §4.1.2: %s is one mailbox: %s', (text, is) => {
  const parsed = parseIdentifier(text);
  expect(parsed === undefined ? false : isMailable(parsed)).toBe(is);
});

test('PWD-14 ASVS 6.3.7: every mailbox of an account is told, each by a message of its own', () => {
  const names = ['a@example.com', 'alice', 'b@example.com', '.c@example.com'].map((name) => ({
    ...row.identifier(1, name),
    kind: name.includes('@') ? ('email' as const) : ('username' as const),
  }));
  const told = (to: string) => ({
    kind: 'outbox.enqueue',
    message: { topic: 'account_notice', body: { notice: 'password_changed', to, language: 'de' }, at: NOW },
  });
  expect(noticeWrites(names, { kind: 'password_changed', language: 'de' }, NOW)).toEqual([
    told('a@example.com'),
    told('b@example.com'),
  ]);
});
