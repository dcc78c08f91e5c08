import { LIMITS } from '@latchkey/protocol/limits';
import { populate, type World } from '@latchkey/testkit/people';
import { addResource, startTestServer } from '@latchkey/testkit/test-server';
import { decodeForwardAssertion } from '@latchkey/tokens/formats/forward-assertion';
import { importNodeKeySet } from '@latchkey/tokens/keys/node-crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Asked, ask, type Got } from '../verifier/frameworks.ts';

let world: World;
let port: number;
let token: string;
beforeAll(async () => {
  world = await populate(await startTestServer({ settings: { trustedProxies: '127.0.0.1' } }));
  await world.at.listen();
  port = world.at.server.settings.port;
  token = String((await world.login()).body.access_token);
});
afterAll(() => world.at.close());

const nginx = (uri = '/things', method = 'GET') => ['x-original-method', method, 'x-original-uri', uri];
const bearer = (of: string) => ['authorization', `Bearer ${of}`];
const path = (rest = '') => `/verify/${world.api.row.id}${rest}`;
const send = (asked: Partial<Asked> = {}): Promise<Got> => ask(port, { path: path(), ...asked });
const ids = async (asked: Partial<Asked>) => {
  const { status, body } = await send(asked);
  if (body === '') return [status, undefined];
  const { error_id } = JSON.parse(body);
  const line = world.at.logged.find((one) => one.includes(`"error_id":"${error_id}"`));
  return [status, line === undefined ? undefined : JSON.parse(line).error];
};
const assertionOf = async ({ headers }: Got) => {
  const keys = importNodeKeySet(await (await world.at.fetch('/.well-known/jwks.json')).json());
  if (keys === undefined) throw new Error('no keys');
  const expected = { issuer: world.at.issuer, audience: world.api.row.audience };
  const now = Math.floor(Date.now() / 1000);
  return decodeForwardAssertion(headers['x-latchkey-assertion'] ?? '', keys, expected, now as never);
};

test('a request with a good token may pass, and whose it is stands in an assertion under the keys of the server', async () => {
  const got = await send({ headers: [...nginx(), ...bearer(token)] });
  expect([got.status, got.body, got.headers['cache-control']]).toEqual([200, '', 'no-store']);
  expect(Object.keys(got.headers).filter((name) => name.startsWith('x-latchkey'))).toEqual(['x-latchkey-assertion']);
  const assertion = await assertionOf(got);
  expect(assertion).toMatchObject({ ok: true, value: { sub: world.accountId, client_id: world.clientId } });
  if (!assertion.ok) return;
  expect(assertion.value.exp - assertion.value.iat).toBe(60);
  expect(Object.keys(assertion.value)).not.toContain('fid');
});

test('plain headers are told to who asks for them', async () => {
  const { headers } = await send({ path: path('?headers=identity'), headers: [...nginx(), ...bearer(token)] });
  expect(headers).toMatchObject({ 'x-latchkey-subject': world.accountId, 'x-latchkey-client': world.clientId });
  expect([headers['x-latchkey-scope'], headers['x-latchkey-roles']]).toEqual(['read write', '']);
});

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
  'Envoy asks with the method and the path of the request itself: %s',
  async (method) => {
    const good = { path: path('/things/7?page=2&scope=admin'), method, headers: bearer(token) };
    expect((await send(good)).status).toBe(200);
    expect((await send({ ...good, headers: [] })).status).toBe(401);
    expect((await send({ ...good, path: path(';scope=read;role=clerk/things') })).status).toBe(403);
  },
);

test('the query of the original request asks nothing and takes nothing away', async () => {
  const asked = { path: path(';scope=read+admin/things?scope=read&preflight=pass'), headers: bearer(token) };
  expect((await send(asked)).status).toBe(403);
});

test('a body changes nothing, small or large', async () => {
  for (const body of ['{"access_token":"x"}', 'x'.repeat(LIMITS.bodyBytesMax * 2)])
    for (const [headers, status] of [
      [bearer(token), 200],
      [[], 401],
    ] as const)
      expect((await send({ path: path('/things'), method: 'POST', headers, body })).status).toBe(status);
});

test('the token is decided about by the rows, in the request', async () => {
  const { access_token: own = '', refresh_token } = (await world.login()).body;
  expect((await send({ headers: [...nginx(), ...bearer(own)] })).status).toBe(200);
  await world.post('/api/logout', { client_id: world.clientId, refresh_token });
  expect(await ids({ headers: [...nginx(), ...bearer(own)] })).toEqual([401, 'token_revoked']);
});

test('a token of another resource is refused, and a resource that there is not is nowhere', async () => {
  const other = await addResource(world.at.server);
  const headers = [...nginx(), ...bearer(token)];
  expect(await ids({ path: `/verify/${other.row.id}`, headers })).toEqual([401, 'token_audience_wrong']);
  for (const id of ['res_01hzzzzzzzzzzzzzzzzzzzzzzz', 'x', '%2e', world.clientId])
    expect(await ids({ path: `/verify/${id}`, headers })).toEqual([404, 'path_unknown']);
});

test('an assertion is no access token: it does not pass here, nor at any other place', async () => {
  const { headers } = await send({ headers: [...nginx(), ...bearer(token)] });
  const assertion = headers['x-latchkey-assertion'] ?? '';
  world.at.secrets.add('assertion', assertion);
  expect(await ids({ headers: [...nginx(), ...bearer(assertion)] })).toEqual([401, 'token_type_wrong']);
  const answer = await world.at.fetch('/api/me', { headers: { authorization: `Bearer ${assertion}` } });
  expect(answer.status).toBe(401);
});

test.each([
  ['forwarded_request_missing', []],
  ['forwarded_request_missing', ['x-original-uri', '/things']],
  ['forwarded_request_ambiguous', [...nginx(), 'x-forwarded-uri', '/public']],
  ['forwarded_request_malformed', nginx('things')],
  ['forwarded_request_malformed', ['x-original-uri', '/a', ...nginx('/b')]],
  ['forwarded_path_refused', nginx('/public/../private')],
  ['forwarded_path_refused', nginx('/public/..;/private')],
  ['forwarded_path_refused', nginx('/public/%2e%2e%2fprivate')],
] as const)('%s: %j', async (error, headers) => {
  expect(await ids({ headers: [...headers, ...bearer(token)] })).toEqual([400, error]);
});

test.each(['/../public', '/%2e%2e/public', '/a/..;/b', '/a%2fb', '/.', '/a/%2E%2e', '/..%5ca'])(
  'forwarded_path_refused: behind the resource, %s is seen as it was sent, whatever a parser makes of it',
  async (rest) => {
    expect(await ids({ path: path(rest), headers: bearer(token) })).toEqual([400, 'forwarded_path_refused']);
  },
);

test.each(['/../../healthz', '/%2e%2e/%2e%2e/healthz', '/../../', '/..\\..\\healthz', '/../..//healthz'])(
  'what a client puts behind the resource does not lead to the 200 of another endpoint: %s',
  async (rest) => {
    const { status } = await send({ path: path(rest) });
    expect(status).toBeGreaterThanOrEqual(400);
    const { status: absolute } = await send({ path: `http://127.0.0.1:${port}${path(rest)}` });
    expect(absolute).toBeGreaterThanOrEqual(400);
  },
);

test('forward_question_malformed: a slip of the pen in the configuration of the proxy refuses everything', async () => {
  for (const query of ['?scopes=read', '?scope=', ';scope=read', '?scope=read&scope=write', '?max_age=soon'])
    expect(await ids({ path: path(query), headers: [...nginx(), ...bearer(token)] })).toEqual([
      400,
      'forward_question_malformed',
    ]);
});

test('forward_peer_not_named: whoever is no named proxy learns nothing, and the log says what to do', async () => {
  const init = { headers: { 'x-original-method': 'GET', 'x-original-uri': '/', authorization: `Bearer ${token}` } };
  for (const remote of ['192.0.2.9', '::1', '10.0.0.1']) {
    const answer = await world.at.fetch(path(), init, remote);
    expect([answer.status, await answer.json()]).toEqual([
      403,
      { error: 'access_denied', error_id: expect.any(String) },
    ]);
  }
  expect(world.at.logged.some((line) => line.includes('trustedProxies'))).toBe(true);
  const forged = { headers: { ...init.headers, 'x-forwarded-for': '127.0.0.1' } };
  expect((await world.at.fetch(path(), forged, '192.0.2.9')).status).toBe(403);
  expect((await world.at.fetch(path(), init, '::ffff:127.0.0.1')).status).toBe(200);
});

test('forward_peer_not_named: without the setting nobody is a proxy, on loopback neither', async () => {
  const at = await startTestServer();
  const { row } = await addResource(at.server);
  const headers = { 'x-original-method': 'GET', 'x-original-uri': '/' };
  expect((await at.fetch(`/verify/${row.id}`, { headers })).status).toBe(403);
  await at.close();
});

test('a server with a path answers under it, and what leads out of it is not answered', async () => {
  const settings = { trustedProxies: '127.0.0.1', issuer: 'http://localhost:8499/id', port: '8499' };
  const at = await startTestServer({ settings });
  const { row } = await addResource(at.server);
  const init = { headers: { 'x-original-method': 'GET', 'x-original-uri': '/' } };
  expect((await at.fetch(`/verify/${row.id}`, init)).status).toBe(401);
  // a host that hands on parsed URLs only
  const handle = (path: string, headers = {}) =>
    at.running.app.handle(new Request(at.issuer + path, { headers }), { remote: '127.0.0.1' });
  expect((await handle(`/verify/${row.id}/things`)).status).toBe(400);
  expect((await handle(`/verify/${row.id}`, init.headers)).status).toBe(401);
  const request = new Request(`http://localhost:8499/id/healthz`);
  const target = `/id/verify/${row.id}/../../healthz`;
  expect((await at.running.app.handle(request, { remote: '127.0.0.1', target })).status).toBe(404);
  expect((await at.running.app.handle(request, { remote: '127.0.0.1', target: '/id/healthz' })).status).toBe(200);
  await at.close();
});

test('the path of the original request, and what it asks for, stand in no log line', async () => {
  await send({ headers: nginx('/things?code=secret-of-the-query') });
  await send({ path: path('/things?code=secret-of-the-query') });
  expect(world.at.logged.join('')).not.toContain('secret-of-the-query');
});

test('preflights pass where the operator says so; cookies count where the operator says so', async () => {
  const preflight = [...nginx('/things', 'OPTIONS'), 'origin', world.origin, 'access-control-request-method', 'GET'];
  expect((await send({ headers: preflight })).status).toBe(401);
  const passed = await send({ path: path('?preflight=pass'), headers: preflight });
  expect([passed.status, passed.headers['x-latchkey-assertion']]).toEqual([200, undefined]);
  const cookie = ['cookie', `__Host-latchkey-access=${token}`];
  expect((await send({ headers: [...nginx(), ...cookie] })).status).toBe(401);
  expect((await send({ path: path('?cookie=read'), headers: [...nginx(), ...cookie] })).status).toBe(200);
  const unsafe = [...nginx('/things', 'POST'), ...cookie];
  expect(await ids({ path: path('?cookie=read'), headers: unsafe })).toEqual([403, 'csrf_cookie_refused']);
});
