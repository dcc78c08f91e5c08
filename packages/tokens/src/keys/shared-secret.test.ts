import { expect, test } from 'vitest';
import { keySetOf } from './key-set.ts';
import { importSharedSecret, parseSharedSecret, withSharedSecrets } from './shared-secret.ts';

const bytes = (length: number) => new Uint8Array(length).fill(7);
const text = (length: number) => Buffer.from(bytes(length)).toString('base64url');

test('VEC-01 RFC 7515 A.1: the signature of the example', () => {
  const secret = Buffer.from(
    'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    'base64url',
  );
  const input =
    'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
  const key = importSharedSecret('x', secret);
  const signature = Buffer.from('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', 'base64url');
  expect(Buffer.from(key.sign(input))).toEqual(signature);
  expect([key.verifies(input, signature), key.verifies(`${input}x`, signature)]).toEqual([true, false]);
  for (const wrong of [new Uint8Array(), signature.subarray(1), new Uint8Array(32)])
    expect(key.verifies(input, wrong)).toBe(false);
});

test.each([31, 32, 256, 257])('JWT-11 RFC 7518 §3.2: a secret of %d bytes', (length) => {
  const isGood = length >= 32 && length <= 256;
  expect(parseSharedSecret(text(length)) !== undefined).toBe(isGood);
  if (isGood) expect(importSharedSecret('x', bytes(length)).alg).toBe('HS256');
  else expect(() => importSharedSecret('x', bytes(length))).toThrow(TypeError);
});

test('JWT-11: what is no secret in base64url is none, a PEM or a JWK least of all', () => {
  const bad = ['', `${text(32)}=`, '-----BEGIN PUBLIC KEY-----', JSON.stringify({ kty: 'oct', k: text(32) }), 7, null];
  expect(bad.map(parseSharedSecret)).toEqual(bad.map(() => undefined));
});

test('JWT-07 RFC 8725 §3.1: HS256 is for secrets and by kid only, and a secret is for nothing else', () => {
  const publicKey = { alg: 'ES256', kid: 'public', verifies: () => true } as const;
  const keys = keySetOf([publicKey]);
  const secret = importSharedSecret('shared', bytes(32));
  expect(withSharedSecrets(keys, [])).toBe(keys);
  const both = withSharedSecrets(keys, [secret]);
  expect(both.kids).toEqual(['public', 'shared']);
  const find = (alg: string, kid?: string) => {
    const found = both.find({ alg, kid, typ: undefined });
    return found.ok ? found.value.kid : found.error;
  };
  expect([find('HS256', 'shared'), find('ES256', 'public'), find('ES256')]).toEqual(['shared', 'public', 'public']);
  const refused = [find('HS256', 'public'), find('HS256', 'other'), find('HS256'), find('ES256', 'shared')];
  expect(refused).toEqual(refused.map(() => 'token_algorithm_refused'));
  expect(find('ES256', 'other')).toBe('token_key_unknown');
});
