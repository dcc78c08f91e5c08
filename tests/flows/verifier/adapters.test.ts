import type { Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, startApi } from './api.ts';
import { type Asked, ask, FRAMEWORKS, type Running } from './frameworks.ts';
import { GATEWAYS, type Gateway } from './gateways.ts';
import { bearer, type Given, invalid, missing, plain, REFUSED } from './same-answers.ts';

let world: ApiWorld;
let verifier: Verifier;
let token: string;
let given: Given;
const running: Record<string, Running> = {};
const gateways: Record<string, Gateway> = {};

beforeAll(async () => {
  world = await startApi({ name: 'adapters' });
  verifier = world.verifier;
  token = String((await world.login()).body.access_token);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: world.at.issuer, aud: world.api.row.audience, sub: 'acc_1', client_id: 'cli_1', jti: 'tok_1' };
  const expired = await world.sign({ ...claims, iat: now - 600, exp: now - 300 });
  const forged = `${token.slice(0, -4)}AAAA`;
  given = { audience: world.api.row.audience, subject: world.accountId, token, expired, forged };
  for (const [name, start] of Object.entries(FRAMEWORKS)) running[name] = await start(verifier);
  for (const [name, start] of Object.entries(GATEWAYS)) gateways[name] = await start(world);
});
afterAll(async () => {
  for (const one of [...Object.values(running), ...Object.values(gateways)]) await one.close();
  await world.close();
});

const answers = async (asked: Asked) => {
  const seen: Record<string, ReturnType<typeof plain>> = {};
  for (const [name, { port }] of Object.entries(running)) seen[name] = plain(await ask(port, asked));
  return seen;
};
/** Every framework gives the same answer to a request, and it is this one. */
async function expectAll(asked: Asked, expected: object): Promise<void> {
  expect(await answers(asked)).toEqual(Object.fromEntries(Object.keys(FRAMEWORKS).map((name) => [name, expected])));
}

describe('RSV-16: refusals are the same on Express, Fastify, Hono and node:http', () => {
  test.each(REFUSED)('%s', async (_, asked, expected) => {
    await expectAll(asked(given), expected(given));
  });
});

describe('RSV-16: a proxy that asks the server or a sidecar is told the same', () => {
  const SAME = ['content-type', 'www-authenticate'];
  const essence = ({ status, headers, body }: ReturnType<typeof plain>) => ({
    status,
    headers: Object.fromEntries(SAME.map((name) => [name, headers[name]])),
    body,
  });
  test.each(REFUSED)('%s', async (_, asked, expected) => {
    for (const [name, gateway] of Object.entries(gateways)) {
      const got = essence(plain(await gateway.ask(asked(given))));
      expect({ name, ...got }).toEqual({ name, ...essence(expected(given)) });
    }
  });
  test.each(['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE'])('a good token passes, by %s', async (method) => {
    for (const [name, gateway] of Object.entries(gateways)) {
      const { status, headers, body } = await gateway.ask({ path: '/things', method, headers: bearer(token) });
      expect({ name, status, body, isAsserted: 'x-latchkey-assertion' in headers }).toEqual({
        name,
        status: 200,
        body: '',
        isAsserted: true,
      });
    }
  });
});

describe('RSV-16: what is granted, too', () => {
  const granted = (headers: object, body = JSON.stringify({ subject: world.accountId })) => ({
    status: 200,
    headers: {
      'content-type': expect.stringMatching(/^application\/json/),
      ...headers,
    },
    body,
  });
  /** The type and length of what the app itself sends are the framework's. */
  async function expectGranted(asked: Asked, headers: object, body?: string): Promise<void> {
    for (const [name, got] of Object.entries(await answers(asked))) {
      const { 'content-length': _, ...rest } = got.headers;
      expect({ ...got, headers: rest, name }).toEqual({ ...granted(headers, body), name });
    }
  }
  const PRIVATE = { 'cache-control': 'private', vary: 'Authorization' };

  test('RSV-18 RFC 9111 §3.5: an answer to a token is not for shared caches', async () => {
    await expectGranted({ path: '/things', headers: bearer(token) }, PRIVATE);
  });
  test.each(['bearer', 'BEARER', 'BeArEr', 'Bearer '])(
    'RSV-06 RFC 9110 §11.1: the scheme may be written "%s"',
    async (scheme) => {
      await expectGranted({ path: '/things', headers: bearer(token, scheme) }, PRIVATE);
    },
  );
  test('RSV-05: beside a token in the header, one in the query is not looked at', async () => {
    await expectGranted({ path: '/things?access_token=x', headers: bearer(token) }, PRIVATE);
  });
  test('RSV-17: HEAD is as GET, without the body', async () => {
    await expectGranted({ path: '/things', method: 'HEAD', headers: bearer(token) }, PRIVATE, '');
  });
  test('an app may say something else to caches, and the answer still varies by who asks', async () => {
    for (const [name, got] of Object.entries(await answers({ path: '/public', headers: bearer(token) }))) {
      const vary = String(got.headers.vary).split(', ').toSorted();
      expect({ name, status: got.status, cache: got.headers['cache-control'], vary }).toEqual({
        name,
        status: 200,
        cache: 'public, max-age=60',
        vary: ['Accept-Language', 'Authorization'],
      });
    }
  });
});

test('RSV-17 Fetch: a preflight is answered by the app’s own CORS, without a token, where it stands before', async () => {
  const preflight = ['origin', 'https://app.example', 'access-control-request-method', 'GET'];
  for (const got of Object.values(await answers({ path: '/things', method: 'OPTIONS', headers: preflight })))
    expect([got.status, got.headers['access-control-allow-origin'], got.body]).toEqual([
      204,
      'https://app.example',
      '',
    ]);
});

test('RSV-17: a HEAD without a token is refused like a GET, without the body', async () => {
  await expectAll({ path: '/things', method: 'HEAD' }, { ...missing(given), body: '' });
});

test('JWT-03: a token as long as a header may be is refused like any other; a longer header ends the connection', async () => {
  await expectAll({ path: '/things', headers: bearer('A'.repeat(15_000)) }, invalid(given));
  for (const { port } of Object.values(running)) {
    const got = await ask(port, { path: '/things', headers: bearer('A'.repeat(65_536)) }).then(
      ({ status }) => status,
      () => 'the connection was ended',
    );
    expect([431, 'the connection was ended']).toContain(got);
    expect((await ask(port, { path: '/things', headers: bearer(token) })).status).toBe(200);
  }
});
