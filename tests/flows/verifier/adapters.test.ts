import type { Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, startApi } from './api.ts';
import { type Asked, ask, FRAMEWORKS, type Got, type Running } from './frameworks.ts';

let world: ApiWorld;
let verifier: Verifier;
let token: string;
let expired: string;
let revokedKey: string;
const running: Record<string, Running> = {};

beforeAll(async () => {
  world = await startApi({ name: 'adapters' });
  verifier = world.verifier;
  token = String((await world.login()).body.access_token);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: world.at.issuer, aud: world.api.row.audience, sub: 'acc_1', client_id: 'cli_1', jti: 'tok_1' };
  expired = await world.sign({ ...claims, iat: now - 600, exp: now - 300 });
  revokedKey = `${token.slice(0, -4)}AAAA`;
  for (const [name, start] of Object.entries(FRAMEWORKS)) running[name] = await start(verifier);
});
afterAll(async () => {
  for (const one of Object.values(running)) await one.close();
  await world.close();
});

const bearer = (of: string, scheme = 'Bearer') => ['authorization', `${scheme} ${of}`];
/** What a server adds of its own, whatever the app says. */
const OF_THE_SERVER = ['date', 'connection', 'keep-alive', 'x-powered-by', 'etag', 'transfer-encoding'];

/** An answer without what differs from request to request and from server to server. */
function plain({ status, headers, body }: Got) {
  const kept = Object.entries(headers).filter(([name]) => !OF_THE_SERVER.includes(name));
  const named = (text: string) => text.replaceAll(/adapters-[0-9a-z]+/g, 'ID');
  return { status, headers: Object.fromEntries(kept.map(([name, value]) => [name, named(value)])), body: named(body) };
}
const answers = async (asked: Asked) => {
  const seen: Record<string, ReturnType<typeof plain>> = {};
  for (const [name, { port }] of Object.entries(running)) seen[name] = plain(await ask(port, asked));
  return seen;
};
const realm = () => `Bearer realm="${world.api.row.audience}"`;
const refusal = (status: number, challenge: string | undefined, body: object) => {
  const text = JSON.stringify({ ...body, error_id: 'ID' });
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-length': expect.any(String),
      ...(challenge === undefined ? {} : { 'www-authenticate': `${realm()}, ${challenge}error_id="ID"` }),
    },
    body: text,
  };
};
const MALFORMED = 'The Authorization header cannot be read, or there is more than one credential.';
const malformed = () =>
  refusal(400, `error="invalid_request", error_description="${MALFORMED}", `, {
    error: 'invalid_request',
    error_description: MALFORMED,
  });
const missing = (scope = 'scope="read", ') =>
  refusal(401, scope, {
    error: 'invalid_token',
    error_description: 'The request carries no access token.',
  });
const invalid = () => refusal(401, 'error="invalid_token", ', { error: 'invalid_token' });

/** Every framework gives the same answer to a request, and it is this one. */
async function expectAll(asked: Asked, expected: object): Promise<void> {
  expect(await answers(asked)).toEqual(Object.fromEntries(Object.keys(FRAMEWORKS).map((name) => [name, expected])));
}

describe('RSV-16: refusals are the same on Express, Fastify, Hono and node:http', () => {
  const table: readonly (readonly [string, () => Asked, () => object])[] = [
    ['RSV-01 RFC 6750 §3.1: no credentials', () => ({ path: '/things' }), missing],
    ['another scheme is no token', () => ({ path: '/things', headers: ['authorization', 'Basic YTpi'] }), missing],
    ['a scheme of any token', () => ({ path: '/things', headers: ['authorization', 'AWS4-HMAC-SHA256 a=b'] }), missing],
    [
      'RSV-02 RFC 6750 §3.1: an expired token',
      () => ({ path: '/things', headers: bearer(expired) }),
      () =>
        refusal(401, 'error="invalid_token", error_description="The access token has expired.", ', {
          error: 'invalid_token',
          error_description: 'The access token has expired.',
        }),
    ],
    ['a token that is none', () => ({ path: '/things', headers: bearer('x') }), invalid],
    ['a signature that does not fit', () => ({ path: '/things', headers: bearer(revokedKey) }), invalid],
    [
      'RSV-04 RFC 6750 §3.1: two Authorization headers',
      () => ({
        path: '/things',
        headers: [...bearer(token), ...bearer(token)],
      }),
      malformed,
    ],
    [
      'RSV-04: a token beside another scheme',
      () => ({
        path: '/things',
        headers: ['authorization', 'Basic YTpi', ...bearer(token)],
      }),
      malformed,
    ],
    [
      'RSV-04: another scheme beside a token',
      () => ({
        path: '/things',
        headers: [...bearer(token), 'authorization', 'Basic YTpi'],
      }),
      malformed,
    ],
    [
      'RSV-05 RFC 9700 §4.3.2: a token in the query is not looked at',
      () => ({
        path: `/things?access_token=${token}`,
      }),
      missing,
    ],
    [
      'RSV-05: a token in a form is not looked at',
      () => ({
        path: '/things',
        method: 'POST',
        headers: ['content-type', 'application/x-www-form-urlencoded'],
        body: `access_token=${token}`,
      }),
      missing,
    ],
    [
      'RSV-06 RFC 6750 §2.1: a scheme without a token',
      () => ({ path: '/things', headers: ['authorization', 'Bearer'] }),
      malformed,
    ],
    ['RSV-06: a scheme and spaces', () => ({ path: '/things', headers: ['authorization', 'Bearer   '] }), malformed],
    ['RSV-06: no b64token', () => ({ path: '/things', headers: bearer('a,b') }), malformed],
    ['RSV-06: two tokens', () => ({ path: '/things', headers: bearer('a b') }), malformed],
    [
      'GHSA-xmf8-cvqr-rfgj: an encoded space',
      () => ({ path: '/things', headers: ['authorization', 'bearer%20x'] }),
      missing,
    ],
    [
      'characters that are no ASCII',
      () => ({ path: '/things', headers: ['authorization', 'Bearer t\u00f6ken'] }),
      malformed,
    ],
    ['an empty header', () => ({ path: '/things', headers: ['authorization', ''] }), malformed],
    [
      'RSV-03 RFC 6750 §3.1: a scope that is missing; all that are needed are named',
      () => ({
        path: '/secret',
        headers: bearer(token),
      }),
      () =>
        refusal(
          403,
          'error="insufficient_scope", error_description="The token lacks a scope that this needs.", scope="read admin", ',
          {
            error: 'insufficient_scope',
            error_description: 'The token lacks a scope that this needs.',
          },
        ),
    ],
    [
      'role_insufficient: a role that is missing',
      () => ({ path: '/office', headers: bearer(token) }),
      () =>
        refusal(403, 'error="insufficient_scope", error_description="The subject lacks a role that this needs.", ', {
          error: 'insufficient_scope',
          error_description: 'The subject lacks a role that this needs.',
        }),
    ],
    [
      'RSV-10 RFC 9470 §3: authentication_too_old: a login that is too weak',
      () => ({
        path: '/recent',
        headers: bearer(token),
      }),
      () => {
        const told = 'The person signed in too long ago, or not strongly enough.';
        return refusal(
          401,
          `error="insufficient_user_authentication", error_description="${told}", acr_values="mfa", max_age="60", `,
          { error: 'insufficient_user_authentication', error_description: told },
        );
      },
    ],
    ['RSV-17: OPTIONS that is no preflight needs a token', () => ({ path: '/things', method: 'OPTIONS' }), missing],
  ];
  test.each(table)('%s', async (_, asked, expected) => {
    await expectAll(asked(), expected());
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
  await expectAll({ path: '/things', method: 'HEAD' }, { ...missing(), body: '' });
});

test('JWT-03: a token as long as a header may be is refused like any other; a longer header ends the connection', async () => {
  await expectAll({ path: '/things', headers: bearer('A'.repeat(15_000)) }, invalid());
  for (const { port } of Object.values(running)) {
    const got = await ask(port, { path: '/things', headers: bearer('A'.repeat(65_536)) }).then(
      ({ status }) => status,
      () => 'the connection was ended',
    );
    expect([431, 'the connection was ended']).toContain(got);
    expect((await ask(port, { path: '/things', headers: bearer(token) })).status).toBe(200);
  }
});
