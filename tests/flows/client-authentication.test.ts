import type { Client } from '@latchkey/domain/clients/client';
import type { Resource } from '@latchkey/domain/clients/resource';
import {
  addClient,
  addResource,
  form,
  startTestServer,
  type TestServer,
  type WithSecret,
} from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let at: TestServer;
let api: WithSecret<Resource>;
let client: WithSecret<Client>;
beforeAll(async () => {
  at = await startTestServer();
  api = await addResource(at.server);
  client = await addClient(at.server, { resources: [api.row.identifier] });
});
afterAll(() => at.close());

const grant = { grant_type: 'client_credentials' };
const ask = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
  const answer = await at.fetch('/oauth/token', form({ ...grant, ...fields }, headers));
  const { error_id: _, ...body } = await answer.json();
  return { status: answer.status, body, challenge: answer.headers.get('www-authenticate') };
};
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

test('CAU-01 RFC 6749 §5.2: failed Basic authentication names the scheme', async () => {
  expect(await ask({}, { authorization: basic(client.row.id, 'wrong') })).toEqual({
    status: 401,
    body: { error: 'invalid_client' },
    challenge: `Basic realm="${at.issuer}"`,
  });
});

test.each([
  ['Basic and a secret in the body', () => ask({ client_secret: client.secret }, { authorization: client.basic }), 400],
  ['Basic and another name in the body', () => ask({ client_id: 'other' }, { authorization: client.basic }), 400],
  [
    'Basic and the same name in the body',
    () => ask({ client_id: client.row.id }, { authorization: client.basic }),
    200,
  ],
])('CAU-02 RFC 6749 §2.3, attack 8.12: one authentication method in a request: %s', async (_, send, status) => {
  expect((await send()).status).toBe(status);
});

test('CAU-03 RFC 6749 §2.3.1, attack 8.12: Basic credentials are form-decoded, and bytes that do not decode are refused', async () => {
  const encoded = encodeURIComponent(client.secret).replaceAll('_', '%5F');
  expect((await ask({}, { authorization: basic(client.row.id, encoded) })).status).toBe(200);
  for (const broken of [
    basic(client.row.id, '%zz'),
    'Basic !',
    'Basic',
    basic('', 'x'),
    `Basic ${Buffer.from('no-colon').toString('base64')}`,
  ])
    expect(await ask({}, { authorization: broken })).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

test('CAU-04 RFC 7591 §2, attack 8.12: a client uses the method that it is registered for, and no other', async () => {
  const post = await addClient(at.server, { resources: [api.row.identifier], authentication: 'client_secret_post' });
  const open = await addClient(at.server, { resources: [api.row.identifier], authentication: 'none' });
  expect((await ask({ client_id: post.row.id, client_secret: post.secret })).status).toBe(200);
  for (const [fields, headers] of [
    [{}, { authorization: post.basic }],
    [{ client_id: client.row.id, client_secret: client.secret }, {}],
    [{ client_id: client.row.id }, {}],
    [{ client_id: open.row.id, client_secret: 'any' }, {}],
  ] as const)
    expect(await ask(fields, headers)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

test('CAU-05 RFC 6749 §2.3.1: a secret in the URL is refused and not logged', async () => {
  const secret = `in-the-url-${client.secret}`;
  const answer = await at.fetch(`/oauth/token?client_id=${client.row.id}&client_secret=${secret}`, form(grant));
  expect([answer.status, (await answer.json()).error]).toEqual([400, 'invalid_request']);
  expect(at.logged.join('')).not.toContain(secret);
});

test('CAU-06 ASVS 6.3.8: an unknown client and a wrong secret get the same answer', async () => {
  const unknown = await ask({}, { authorization: basic('cli_00000000000000000000000000', client.secret) });
  const nonsense = await ask({}, { authorization: basic('nobody', client.secret) });
  const wrong = await ask({}, { authorization: basic(client.row.id, 'wrong') });
  expect([unknown, nonsense]).toEqual([wrong, wrong]);
});

test('CAU-13: an assertion is no way to authenticate here', async () => {
  const type = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer';
  const answer = await ask({ client_assertion_type: type, client_assertion: 'x' });
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
});

test('CAU-16 RFC 9068 §5: a machine token has the client as its subject, in a space that no account shares', async () => {
  const { body } = await ask({}, { authorization: client.basic });
  const introspected = await at.fetch(
    '/oauth/introspect',
    form({ token: body.access_token }, { authorization: api.basic }),
  );
  const claims = await introspected.json();
  expect([claims.sub, claims.client_id]).toEqual([client.row.id, client.row.id]);
  expect(claims.sub).toMatch(/^cli_/);
});

test.each([
  ['no grant type', { grant_type: '' }, 400, 'invalid_request'],
  ['an unknown grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['a scope that breaks the grammar', { scope: 'a"b' }, 400, 'invalid_scope'],
  ['a scope that is not registered', { scope: 'admin' }, 400, 'invalid_scope'],
  ['a refresh without a token', { grant_type: 'refresh_token' }, 400, 'invalid_request'],
  ['a refresh token of nobody', { grant_type: 'refresh_token', refresh_token: 'lk_rt_x' }, 400, 'invalid_grant'],
])('ERR-05 RFC 6749 §5.2: %s', async (_, fields, status, error) => {
  expect(await ask(fields, { authorization: client.basic })).toMatchObject({ status, body: { error } });
});

test('ERR-05 RFC 6749 §5.2: a public client has no client_credentials', async () => {
  const open = await addClient(at.server, { authentication: 'none', resources: [api.row.identifier] });
  expect(await ask({ client_id: open.row.id })).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
});

test.each([
  ['RES-01', 'relative', '/api'],
  ['RES-01', 'with a fragment', 'https://api.example#f'],
  ['RES-02', 'unknown', 'https://nobody.example'],
])('%s RFC 8707 §2: a resource that is %s is refused as a target', async (_row, _, resource) => {
  expect(await ask({ resource }, { authorization: client.basic })).toMatchObject({
    status: 400,
    body: { error: 'invalid_target' },
  });
});

test('RES-03, RES-04 RFC 8707 §2.2: a token is for the one resource that was asked for', async () => {
  const second = await addResource(at.server, {
    audience: 'second',
    algorithm: 'RS256',
    tokenType: 'JWT',
    accessTokenSeconds: 60,
  });
  const both = await addClient(at.server, { resources: [api.row.identifier, second.row.identifier] });
  const { body } = await ask({ resource: second.row.identifier }, { authorization: both.basic });
  expect(body.expires_in).toBe(60);
  const [header, payload] = String(body.access_token)
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString());
  expect(JSON.parse(header ?? '')).toMatchObject({ alg: 'RS256', typ: 'JWT' });
  expect(JSON.parse(payload ?? '')).toMatchObject({ aud: 'second' });
  const fields = new URLSearchParams({ ...grant, resource: second.row.identifier });
  fields.append('resource', api.row.identifier);
  const answer = await at.fetch('/oauth/token', {
    method: 'POST',
    headers: { authorization: both.basic, 'content-type': 'application/x-www-form-urlencoded' },
    body: fields.toString(),
  });
  expect([answer.status, (await answer.json()).error]).toEqual([400, 'invalid_target']);
});

test('many wrong secrets from one address have to wait, and the right one does not', async () => {
  const from = '198.51.100.77';
  const send = (secret: string) =>
    at.fetch('/oauth/token', form(grant, { authorization: basic(client.row.id, secret) }), from);
  const statuses = [];
  for (let index = 0; index < 62; index++) statuses.push((await send('wrong')).status);
  expect([statuses.at(0), statuses.at(59), statuses.at(-1)]).toEqual([401, 401, 429]);
  expect((await send(client.secret)).status).toBe(200);
});
