import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSecretWatch } from './secret-watch.ts';

const SECRET = 'correct horse battery staple';
const around = (text: string | Uint8Array) =>
  Buffer.concat([Buffer.from('{"a":"'), Buffer.from(text), Buffer.from('"}')]);

test.each([
  ['plainly', (bytes: Buffer) => bytes],
  ['in hex', (bytes: Buffer) => bytes.toString('hex')],
  ['in base64', (bytes: Buffer) => bytes.toString('base64')],
  ['in base64url', (bytes: Buffer) => bytes.toString('base64url')],
])('a secret that stands somewhere %s is found', (_, write) => {
  const watch = createSecretWatch();
  const seed = randomBytes(16);
  watch.add('password', SECRET);
  watch.add('seed', seed);
  expect(watch.foundIn(around(write(Buffer.from(SECRET))))).toEqual(['password']);
  expect(watch.foundIn(around(write(seed)))).toEqual(['seed']);
  expect(watch.foundIn(write(seed))).toEqual(['seed']);
  expect(watch.foundIn(around(write(Buffer.from(SECRET)).slice(0, -4)))).toEqual([]);
});

test('OPS-01 ASVS 16.2.5: the secrets of a request are those of its headers, its form and its JSON', () => {
  const watch = createSecretWatch();
  const secret = (n: number) => `secret number ${n} of this test`;
  const basic = Buffer.from(`cli_1:${secret(1)}`).toString('base64');
  watch.sent({ headers: { authorization: `Basic ${basic}`, cookie: `a=1; __Host-x=${secret(2)}` } });
  watch.sent({ headers: { Authorization: 'Bearer abcdefghijklmnopq', 'x-latchkey-csrf': secret(3) } });
  watch.sent({
    body: new URLSearchParams({ refresh_token: secret(4), grant_type: 'refresh_token', x: 'y' }).toString(),
  });
  watch.sent({
    body: JSON.stringify({ username: 'alice', current_password: secret(5), deep: { credential: secret(6) } }),
  });
  watch.received(
    new Headers({ 'set-cookie': `__Host-y=${secret(7)}; Path=/` }),
    JSON.stringify({ access_token: secret(8) }),
  );
  watch.received(
    new Headers(),
    JSON.stringify({ items: [{ client_secret: secret(9), token: `tok_${'0'.repeat(26)}` }] }),
  );
  const all = [basic, 'abcdefghijklmnopq', ...Array.from({ length: 9 }, (_, index) => secret(index + 1))];
  expect(all.filter((text) => watch.foundIn(text).length === 0)).toEqual([]);
  expect(watch.count).toBe(all.length);
});

test('a word is no secret, and a long token is known by its signature too', () => {
  const watch = createSecretWatch();
  watch.add('password', 'wrong password'); // 14 characters
  watch.add('password', 'x'.repeat(200));
  expect(watch.count).toBe(0);
  const jwt = `eyJh.${randomBytes(100).toString('base64url')}.${randomBytes(64).toString('base64url')}`;
  watch.add('access_token', jwt);
  expect(watch.foundIn(`before ${jwt.split('.')[2]} after`)).toEqual(['access_token']);
});
