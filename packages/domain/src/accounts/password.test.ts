import { LIMITS } from '@latchkey/protocol/limits';
import { expect, test } from 'vitest';
import { checkNewPassword, preparePassword } from './password.ts';

const CONTEXT = ['alice.cooper@example.com', 'id.example', 'latchkey'];
const verdict = (text: string) => {
  const checked = checkNewPassword(text, CONTEXT);
  return checked.ok ? 'good' : checked.error;
};

test.each([
  ['hxkqmvtrwzpb14', 'password_too_short'],
  ['hxkqmvtrwzpb145', 'good'],
  ['hxkqmvtrwzpb1456', 'good'],
  ['🦊🐙🦉🐝🦔🐢🦋🐬🦜🐿🦩🐌🦎🐞', 'password_too_short'],
  ['🦊🐙🦉🐝🦔🐢🦋🐬🦜🐿🦩🐌🦎🐞🦀', 'good'],
])('PWD-01 SP 800-63B-4 §3.1.1.2: code points are counted: %s is %s', (text, expected) => {
  expect(verdict(text)).toBe(expected);
});

const long = (bytes: number) => `${'quiet rivers carry odd lanterns '.repeat(bytes / 16).slice(0, bytes - 3)}xyz`;

test.each([
  [64, 'good'],
  [LIMITS.passwordBytesMax - 1, 'good'],
  [LIMITS.passwordBytesMax, 'good'],
  [LIMITS.passwordBytesMax + 1, 'password_too_long'],
])('PWD-02: a password of %d bytes is %s, and nothing is cut off', (bytes, expected) => {
  expect(verdict(long(bytes))).toBe(expected);
});

test.each(['elfzwanzigmondkiesel', 'seven quiet otters juggle', 'ünïcödé wörds in a rów'])(
  'PWD-03: no rule of composition refuses %s',
  (text) => {
    expect(verdict(text)).toBe('good');
  },
);

test.each([
  'Password123456789',
  'passwordpassword',
  'P@ssw0rd!P@ssw0rd!',
  'qwertyuiopasdfghjkl',
  'abcdefghijklmnop',
  '012345678901234',
  'aaaaaaaaaaaaaaa',
  'xk7xk7xk7xk7xk7',
  'iloveyou20252026',
  'correcthorsebatterystaple',
  'alice.cooper@example.com',
  'AliceCooper2026!!',
  'latchkeylatchkey1',
])('PWD-05 SP 800-63B-4 §3.1.1.2: %s is tried first, and refused', (text) => {
  expect(verdict(text)).toBe('password_blocklisted');
});

test('PWD-04 RFC 8265 §4.2: spaces and compositions of one kind; case and inner spaces stay', () => {
  expect(preparePassword('Cafe\u0301\u00a0 X')).toBe('Caf\u00e9  X');
});

test('control characters are refused by their own name', () => {
  expect([preparePassword('a\u0007b'), verdict('hxkqmvtrwzpb1456\u0000')]).toEqual([undefined, 'password_characters']);
});

test.each([
  [LIMITS.passwordBytesMax / 2 - 1, 'good'],
  [LIMITS.passwordBytesMax / 2, 'good'],
  [LIMITS.passwordBytesMax / 2 + 1, 'password_too_long'],
])('PWD-02: %d letters of two bytes each are %s: bytes are counted, not characters', (letters, expected) => {
  expect(verdict('αβγδεζηθικλμνξ'.padStart(letters, 'ω'))).toBe(expected);
});

test('PWD-05: three common words in a row are no longer few', () => {
  expect(['dragonmonkeyz41', 'dragonmonkeytiger'].map(verdict)).toEqual(['password_blocklisted', 'good']);
});
