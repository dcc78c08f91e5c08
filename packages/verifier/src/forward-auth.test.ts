import type { ErrorId } from '@latchkey/protocol/errors';
import { idText } from '@latchkey/protocol/ids';
import { ok } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { generateSigningKey } from '@latchkey/tokens/keys/generate';
import { importSigner } from '@latchkey/tokens/keys/node-crypto';
import type { Signer } from '@latchkey/tokens/keys/signer';
import { beforeAll, expect, test } from 'vitest';
import { accessOf } from './access.ts';
import { rejectionOf } from './challenge.ts';
import { answerForwardAuth, readForwardAuth } from './forward-auth.ts';

const NOW = 1_000_000 as EpochSeconds;
const claims = {
  iss: 'https://as.example',
  aud: 'https://api.example',
  sub: 'acc_1',
  client_id: 'cli_1',
  jti: 'tok_1',
  iat: NOW,
  exp: (NOW + 300) as EpochSeconds,
};
let signer: Signer;
beforeAll(async () => {
  const { jwk, pkcs8 } = await generateSigningKey('ES256');
  signer = importSigner('ES256', jwk.kid, pkcs8);
});

const call = (target: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  readForwardAuth({ method, target, header: (name) => headers[name] });
const FORWARDED = { 'x-original-method': 'GET', 'x-original-uri': '/things' };
const asserted = { issuer: 'https://as.example', audience: 'https://api.example', jti: 'tok_9', now: NOW };
const reject = (error: ErrorId) => rejectionOf(error, 'err_1', asserted.audience, {});
/** The answer about a request of whoever has these claims. */
async function answerTo(target: string, more: object = {}) {
  const asked = call(target, FORWARDED);
  if (!asked.ok) throw new Error(asked.error);
  const authenticate = async () => ok(accessOf({ ...claims, ...more }));
  return answerForwardAuth(asked.value, { authenticate, reject, assertor: () => asserted, signer });
}

test('headers of the call are those of the original request, but its host is the server’s own, and cookies count when asked', () => {
  const headers = {
    ...FORWARDED,
    authorization: 'Bearer x',
    cookie: 'a=b',
    host: 'latchkey.internal',
    'x-api-key': 'k',
  };
  const asked = call('/verify/res_1', headers);
  if (!asked.ok) throw new Error(asked.error);
  const { header, method } = asked.value.original;
  expect([method, ...['authorization', 'cookie', 'host', 'x-api-key'].map(header)]).toEqual([
    'GET',
    'Bearer x',
    undefined,
    undefined,
    undefined,
  ]);
  const more = call('/verify/res_1?cookie=read&api_key_header=X-Key', { ...headers, 'x-key': 'other' });
  if (!more.ok) throw new Error(more.error);
  expect(['cookie', 'host', 'x-api-key'].map(more.value.original.header)).toEqual(['a=b', undefined, 'other']);
});

test('by default one header is handed on, and it is signed', async () => {
  const { status, headers, body } = await answerTo('/verify/res_1', { scope: 'read', roles: ['clerk'] });
  expect([status, body, Object.keys(headers)]).toEqual([200, undefined, ['cache-control', 'x-latchkey-assertion']]);
  expect(decodeUnverified(headers['x-latchkey-assertion'] ?? '')?.header.typ).toBe('latchkey-assertion+jwt');
});

test('plain headers are for who asks for them; each is there even when it is empty', async () => {
  const full = await answerTo('/verify/res_1?headers=identity', {
    scope: 'read write',
    roles: ['clerk', 'night shift'],
  });
  expect(full.headers).toMatchObject({
    'x-latchkey-subject': 'acc_1',
    'x-latchkey-client': 'cli_1',
    'x-latchkey-scope': 'read write',
    'x-latchkey-roles': 'clerk night%20shift',
  });
  expect((await answerTo('/verify/res_1?headers=identity')).headers).toMatchObject({
    'x-latchkey-scope': '',
    'x-latchkey-roles': '',
  });
});

test('a value that no header could hold is encoded', async () => {
  const sub = 'a\r\nx-admin: 1,ü%\ud800';
  const { headers } = await answerTo('/verify/res_1?headers=identity', { sub });
  expect(headers['x-latchkey-subject']).toBe('a%0D%0Ax-admin:%201%2C%C3%BC%25%EF%BF%BD');
});

test('a preflight passes where the operator says so, and in nobody’s name', async () => {
  const preflight = { 'x-original-method': 'OPTIONS', 'x-original-uri': '/', origin: 'https://a.example' };
  const asks = { ...preflight, 'access-control-request-method': 'GET' };
  let tried = 0;
  const status = async (target: string, headers: Readonly<Record<string, string>>) => {
    const asked = call(target, headers);
    if (!asked.ok) throw new Error(asked.error);
    tried = 0;
    const authenticate = async () => {
      tried += 1;
      return ok(accessOf(claims));
    };
    const answer = await answerForwardAuth(asked.value, { authenticate, reject, assertor: () => asserted, signer });
    return [answer.status, 'x-latchkey-assertion' in answer.headers, tried];
  };
  expect(await status('/verify/res_1?preflight=pass', asks)).toEqual([200, false, 0]);
  expect(await status('/verify/res_1', asks)).toEqual([200, true, 1]);
  expect(await status('/verify/res_1?preflight=pass', preflight)).toEqual([200, true, 1]);
  expect(await status('/verify/res_1?preflight=pass', { ...asks, 'x-original-method': 'GET' })).toEqual([200, true, 1]);
});

test('a key for tests counts where the operator says so, in whatever place it stands', async () => {
  const key = (environment: 'live' | 'test') =>
    encodeApiKey(idText('key', new Uint8Array(16)), environment, new Uint8Array(32));
  const status = async (question: string, headers: Readonly<Record<string, string>>) => {
    const asked = call(`/verify/res_1?${question}`, { ...FORWARDED, ...headers });
    if (!asked.ok) throw new Error(asked.error);
    const authenticate = async () => ok(accessOf(claims));
    const answer = await answerForwardAuth(asked.value, { authenticate, reject, assertor: () => asserted, signer });
    return answer.status;
  };
  for (const [question, headers] of [
    ['', { authorization: `Bearer ${key('test')}` }],
    ['api_key_header=x-key', { 'x-key': key('test') }],
    ['cookie=read', { cookie: `__Host-latchkey-access=${key('test')}`, 'sec-fetch-site': 'same-origin' }],
  ] as const) {
    expect(await status(question, headers)).toBe(401);
    expect(await status(`${question}&api_keys=test`, headers)).toBe(200);
  }
  expect(await status('', { authorization: `Bearer ${key('live')}` })).toBe(200);
});

test('the header of API keys may be named for all questions; one that names another has the last word', () => {
  const headers = { ...FORWARDED, 'x-all': 'a', 'x-one': 'b' };
  const keyOf = (query: string, name?: string) => {
    const asked = readForwardAuth(
      { method: 'GET', target: `/verify?${query}`, header: (one) => ({ ...headers })[one as 'x-all'] },
      name,
    );
    return asked.ok ? asked.value.original.header('x-api-key') : asked.error;
  };
  expect([keyOf(''), keyOf('', 'x-all'), keyOf('api_key_header=x-one', 'x-all')]).toEqual([undefined, 'a', 'b']);
});
