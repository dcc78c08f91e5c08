import { LIMITS } from '@latchkey/protocol/limits';
import { serverMetadata } from '@latchkey/protocol/server-metadata';
import { ISSUER_SCOPES } from '@latchkey/server/bootstrap';
import { addClient, addResource, form, startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let at: TestServer;
let basic: string;
beforeAll(async () => {
  at = await startTestServer();
  const api = await addResource(at.server);
  basic = (await addClient(at.server, { resources: [api.row.identifier] })).basic;
});
afterAll(() => at.close());

const raw = async (path: string, init: RequestInit) => {
  const answer = await at.fetch(path, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
};
const post = (body: string, headers: Record<string, string> = {}) =>
  raw('/oauth/token', {
    method: 'POST',
    headers: { authorization: basic, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
const GRANT = 'grant_type=client_credentials';

test.each([
  ['just under', LIMITS.bodyBytesMax - 1, 200],
  ['at', LIMITS.bodyBytesMax, 200],
  ['one past', LIMITS.bodyBytesMax + 1, 413],
])('a body %s its limit', async (_, bytes, status) => {
  const body = `${GRANT}&x=`.padEnd(bytes, 'x');
  expect((await post(body)).status).toBe(status);
  const stream = new Response(body).body; // without a declared length the limit holds too
  const streamed = await raw('/oauth/token', {
    method: 'POST',
    headers: { authorization: basic, 'content-type': 'application/x-www-form-urlencoded' },
    body: stream,
    duplex: 'half',
  } as RequestInit);
  expect(streamed.status).toBe(status);
});

test.each([
  ['as many parameters as may be', LIMITS.parametersMax - 1, 200],
  ['one more', LIMITS.parametersMax, 400],
])('RFC 6749 §3.2: %s', async (_, others, status) => {
  const more = Array.from({ length: others }, (_unused, index) => `x${index}=1`).join('&');
  expect((await post(`${GRANT}&${more}`)).status).toBe(status);
});

test('RFC 6749 §3.2: a repeated parameter is refused, an unknown one ignored, an empty one absent', async () => {
  expect((await post(`${GRANT}&${GRANT}`)).body).toMatchObject({
    error: 'invalid_request',
    error_id: expect.any(String),
  });
  expect((await post(`${GRANT}&unknown=1`)).status).toBe(200);
  expect((await post(`${GRANT}&scope=`)).status).toBe(200);
});

test('RFC 6749 Appendix B: another media type than a form is refused', async () => {
  expect((await post(GRANT, { 'content-type': 'application/json' })).status).toBe(415);
});

test('INT-06 RFC 7662 §2.1: GET is refused with the methods that there are', async () => {
  const answer = await raw('/oauth/introspect?token=x', {});
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
});

test('an unknown path gets a problem document with an id', async () => {
  const answer = await raw('/nowhere', {});
  expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
  expect(answer.body).toMatchObject({ status: 404, error: 'not_found', error_id: expect.any(String) });
});

test('META-01 to META-04 RFC 8414 §2, §3: metadata names what works, for everybody, and may be kept', async () => {
  const { status, headers, body } = await raw('/.well-known/oauth-authorization-server', {
    headers: { origin: 'https://a.example' },
  });
  expect([status, headers.get('content-type'), headers.get('access-control-allow-origin')]).toEqual([
    200,
    'application/json',
    '*',
  ]);
  expect(headers.get('cache-control')).toBe('public, max-age=300');
  expect(body).toEqual(
    serverMetadata(at.issuer, {
      scopes: ISSUER_SCOPES,
      signingAlgorithms: ['ES256', 'RS256'],
      acrValues: ['urn:latchkey:acr:password', 'urn:latchkey:acr:password:recent'],
    }),
  );
  expect((await raw('/.well-known/openid-configuration', {})).body).toEqual(body);
});

test('META-01 RFC 8414 §3.1: for an issuer with a path the well-known segment stands between host and path', async () => {
  const port = '18499';
  const tenant = await startTestServer({ settings: { port, issuer: `http://localhost:${port}/t1` } });
  const inserted = await tenant.fetch(`http://localhost:${port}/.well-known/oauth-authorization-server/t1`);
  expect([inserted.status, (await inserted.json()).issuer]).toEqual([200, `http://localhost:${port}/t1`]);
  const configuration = await tenant.fetch('/.well-known/openid-configuration');
  expect([configuration.status, (await configuration.json()).issuer]).toEqual([200, `http://localhost:${port}/t1`]);
  const behind = await tenant.fetch(`http://localhost:${port}/.well-known/openid-configuration/t1`);
  expect(behind.status).toBe(200);
  expect((await tenant.fetch('/.well-known/jwks.json')).status).toBe(200);
  expect((await tenant.fetch(`http://localhost:${port}/.well-known/jwks.json`)).status).toBe(404);
  await tenant.close();
});

test('KEY-05 RFC 7517 §5, attack 8.39: the key set holds public members only, ES256 and RS256, each with kid, alg and use', async () => {
  const { headers, body } = await raw('/.well-known/jwks.json', {});
  expect(headers.get('content-type')).toBe('application/jwk-set+json');
  expect(body.keys.map(({ alg }: { alg: string }) => alg).sort()).toEqual(['ES256', 'ES256', 'RS256', 'RS256']);
  for (const key of body.keys) {
    expect(key).toMatchObject({ use: 'sig', kid: expect.any(String) });
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret);
  }
});

test('HEAD answers like GET without a body; OPTIONS answers only whom it may', async () => {
  const head = await at.fetch('/healthz', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  const preflight = await at.fetch('/oauth/token', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, null]);
});

test('operation: healthy, ready, and while it drains not ready any more', async () => {
  const other = await startTestServer();
  expect([(await other.fetch('/healthz')).status, (await other.fetch('/readyz')).status]).toEqual([200, 200]);
  other.running.drain();
  const answer = await other.fetch('/readyz');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  await other.close();
});

test('a closed database is a fault: 503 with Retry-After, and nothing of it in the answer', async () => {
  const other = await startTestServer();
  await other.server.store.close();
  const answer = await other.fetch(
    '/oauth/token',
    form({ grant_type: 'client_credentials' }, { authorization: basic }),
  );
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' });
});
