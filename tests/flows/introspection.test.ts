import type { AccessTokenClaims, Introspection } from '@latchkey/protocol/claims';
import { seconds } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { encodeAccessToken } from '@latchkey/tokens/formats/access-token-jwt';
import { decodeIntrospection } from '@latchkey/tokens/formats/introspection-jwt';
import { importNodeKeySet } from '@latchkey/tokens/keys/node-crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalOf, refusedAs } from './refusal.ts';

const clock = testClock();
let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
});
afterAll(() => world.at.close());

const FORMATS = ['jwt', 'opaque'] as const;
type Api = Awaited<ReturnType<typeof addResource>>;

/** An API of this format, and a token of a machine for it. */
async function machineToken(given: Parameters<typeof addResource>[1]) {
  const api = await addResource(world.at.server, given);
  const client = await addClient(world.at.server, { resources: [api.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
  return { api, client, token: String(token) };
}

const ask = (token: string, authorization: string | undefined, headers: Readonly<Record<string, string>> = {}) =>
  world.at.fetch(
    '/oauth/introspect',
    form({ token }, authorization === undefined ? headers : { authorization, ...headers }),
  );
const told = async (token: string, { basic }: Api) => (await ask(token, basic)).json();

test.each(FORMATS)(
  'INT-01, INT-04 RFC 7662 §2.1, §4: nobody but a resource server may ask about a token (%s)',
  async (format) => {
    const { client, token } = await machineToken({ format });
    const publicClient = form({ token, client_id: world.clientId });
    for (const answer of [await ask(token, undefined), await world.at.fetch('/oauth/introspect', publicClient)]) {
      expect(answer.headers.get('www-authenticate')).toBe(`Basic realm="${world.at.issuer}"`);
      expect(await refusalOf(world.at, answer)).toEqual(refusedAs('introspection_not_allowed'));
    }
    expect(await refusalOf(world.at, await ask(token, client.basic))).toEqual(refusedAs('client_unknown'));
  },
);

test.each(FORMATS)(
  'INT-02, INT-03 RFC 7662 §2.2: what is inactive says so and nothing else, whatever the reason (%s)',
  async (format) => {
    const { api, client, token } = await machineToken({ format });
    const other = await addResource(world.at.server, { format });
    const inactive = async (text: string, by: Api = api) => {
      const answer = await ask(text, by.basic);
      expect([answer.status, await answer.text()]).toEqual([200, '{"active":false}']);
    };
    for (const text of ['x', 'a.b.c', `${token}x`, token.slice(1), 'lk_at_', 'lk_rt_x', 'lk_rs_x', '\u0000', ' '])
      await inactive(text);
    await inactive(token, other);
    expect((await told(token, api)).active).toBe(true);
    const second = await world.at.fetch(
      '/oauth/token',
      form({ grant_type: 'client_credentials' }, { authorization: client.basic }),
    );
    const { access_token: expiring } = await second.json();
    clock.advance(331_000);
    await inactive(expiring);
  },
);

test('INT-02 RFC 8725 §3.8: a token of another issuer is inactive, though its key is ours', async () => {
  const { api, token } = await machineToken({});
  const { server } = world.at;
  const { catalogue } = await server.store.read.moment();
  const signer = (await server.keys.at(catalogue)).signer('ES256');
  const { active: _, token_type: _type, ...claims } = await told(token, api);
  const sign = (more: object) => encodeAccessToken({ ...(claims as AccessTokenClaims), ...more }, signer);
  expect(await told(sign({}), api)).toEqual({ ...claims, active: true, token_type: 'Bearer' });
  for (const more of [{ iss: 'https://other.example' }, { aud: 'https://other.example' }, { sub: undefined }])
    expect(await told(sign(more), api)).toEqual({ active: false });
});

test('INT-05 RFC 7662 §2.2, RFC 9449 §6.2: all is told that is known, numbers as numbers, and whom a bound token is bound to', async () => {
  const { api, token } = await machineToken({ format: 'opaque' });
  const { active: _, token_type: _type, ...claims } = await told(token, api);
  for (const name of ['iat', 'exp'] as const) expect(claims[name]).toEqual(expect.any(Number));
  const { server } = world.at;
  const record = await server.store.read.tokenRecord(claims.jti);
  if (record === undefined) throw new Error('no record');
  for (const [cnf, type] of [
    [{ jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }, 'DPoP'],
    [{ 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }, 'Bearer'],
  ] as const) {
    const bound = { ...record, claims: { ...record.claims, cnf } };
    await server.store.transact((tx) =>
      tx.apply(
        [],
        [
          { kind: 'token.forget', jti: record.jti },
          { kind: 'token.record', record: bound, max: 9 },
        ],
      ),
    );
    expect(await told(token, api)).toEqual({ ...claims, cnf, active: true, token_type: type });
  }
});

test('INT-05: a person is told by the name they sign in with, unless the client knows them by another one of its own', async () => {
  const { body } = await world.login();
  const claims = await told(String(body.access_token), world.api);
  expect([claims.sub, claims.username]).toEqual([world.accountId, 'alice']);
  const { api, token } = await machineToken({});
  expect(Object.keys(await told(token, api))).not.toContain('username');
  const given = { sector: 'rp.example', authentication: 'none' } as const;
  const asked = { scope: 'openid read', resource: world.api.row.identifier };
  const pairwise = await codeFlow(world, await addRelyingParty(world, given), asked);
  const { sub, ...others } = await told(String(pairwise.body.access_token), world.api);
  expect([sub === world.accountId, others.active, Object.keys(others).includes('username')]).toEqual([
    false,
    true,
    false,
  ]);
});

test('INT-06 RFC 7662 §2.1: a token does not stand in a URL', async () => {
  const { api, token } = await machineToken({ format: 'opaque' });
  const authorization = api.basic;
  const get = await world.at.fetch('/oauth/introspect?token=x', { headers: { authorization } });
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  const inQuery = await world.at.fetch(`/oauth/introspect?token=${token}`, form({}, { authorization }));
  expect(await refusalOf(world.at, inQuery)).toEqual(refusedAs('parameter_missing'));
  expect(world.at.logged.join('')).not.toContain(token);
});

const JWT = 'application/token-introspection+jwt';

/** A signed answer, checked as a resource server would. */
async function signedAnswer(token: string, api: Api, accept = JWT) {
  const answer = await ask(token, api.basic, { accept });
  const text = await answer.text();
  const keys = importNodeKeySet(await (await world.at.fetch('/.well-known/jwks.json')).json());
  if (keys === undefined) throw new Error('no keys');
  const expected = { issuer: world.at.issuer, audience: api.row.audience, leewaySeconds: 0, maxAgeSeconds: 1 };
  const read = decodeIntrospection(text, keys, expected, seconds(clock.now()));
  const [header = '', payload = ''] = text.split('.');
  const parsed = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { answer, read, header: parsed(header), payload: parsed(payload) };
}

test.each([
  ['jwt', 'ES256'],
  ['jwt', 'RS256'],
  ['opaque', 'ES256'],
  ['opaque', 'RS256'],
] as const)(
  'INT-07 RFC 9701 §4, §5: who asks for a JWT gets the same answer signed (%s, %s)',
  async (format, algorithm) => {
    const { api, token } = await machineToken({ format, algorithm, audience: `plain-${format}-${algorithm}` });
    const { answer, read, header, payload } = await signedAnswer(token, api);
    const introspection: Introspection = await told(token, api);
    const { iss, aud, iat } = { iss: world.at.issuer, aud: api.row.audience, iat: seconds(clock.now()) };
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      200,
      JWT,
      'no-store',
    ]);
    expect(header).toEqual({ typ: 'token-introspection+jwt', alg: algorithm, kid: expect.any(String) });
    expect(payload).toEqual({ iss, aud, iat, token_introspection: introspection });
    expect(introspection.active).toBe(true);
    expect(read).toEqual({ ok: true, value: { iss, aud, iat, introspection } });
  },
);

test('INT-08 RFC 9701 §5: of what is not active, a signed answer says nothing else', async () => {
  const { api } = await machineToken({ format: 'opaque' });
  for (const token of ['x', 'lk_at_x', (await machineToken({ format: 'opaque' })).token]) {
    const { answer, payload } = await signedAnswer(token, api);
    expect([answer.status, payload.token_introspection]).toEqual([200, { active: false }]);
    expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection']);
  }
});

test.each([undefined, '*/*', 'application/json', `${JWT};q=0.1, application/json`, 'text/html'])(
  'INT-07: who accepts %j gets JSON',
  async (accept) => {
    const { api, token } = await machineToken({ format: 'opaque' });
    const answer = await ask(token, api.basic, accept === undefined ? {} : { accept });
    expect([answer.headers.get('content-type'), (await answer.json()).active]).toEqual(['application/json', true]);
  },
);

test('INT-07: a refusal of the question is no JWT', async () => {
  const answer = await ask('x', undefined, { accept: JWT });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/json']);
});
