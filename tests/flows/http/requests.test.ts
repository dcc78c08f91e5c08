import { LIMITS } from '@latchkey/protocol/limits';
import { ROUTES } from '@latchkey/server/routes';
import type { Endpoint } from '@latchkey/server/server';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from '../refusal.ts';

const FORM = 'application/x-www-form-urlencoded';
let world: World;
let admin: TestAdministrator;
let client: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(await startTestServer({ settings: { registration: 'open', magicLink: 'on' } }));
  admin = await addAdministrator(world.at);
  client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
});
afterAll(() => world.at.close());

const token = (body: string, headers: Readonly<Record<string, string>> = {}) =>
  world.at.fetch('/oauth/token', {
    method: 'POST',
    headers: { authorization: client.basic, 'content-type': FORM, ...headers },
    body,
  });
const GRANT = 'grant_type=client_credentials';

/** A request with the credential that its route takes, so that only its shape can be what is wrong. */
const send = (route: Endpoint, init: RequestInit): Promise<Response> => {
  const authorization = route.path.startsWith('/admin/')
    ? `Bearer ${admin.token}`
    : route.credentials.includes('resource_server')
      ? world.api.basic
      : client.basic;
  const headers = new Headers(init.headers);
  headers.set('authorization', authorization);
  return world.at.fetch(route.path.replace(/:\w+/g, 'x'), { ...init, headers, method: route.method });
};
const withBody = ROUTES.filter(({ method, bodyMax }) => method === 'POST' && bodyMax > 0).map(
  (route) => [`${route.method} ${route.path}`, route] as const,
);
const isForm = ({ path, wording }: Endpoint): boolean => path.startsWith('/oauth/') || wording === 'page';
const forms = withBody.filter(([, route]) => isForm(route));
const jsons = withBody.filter(([, route]) => !isForm(route) && route.path !== '/api/password');

test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])(
  'ENV-01 OAuth 2.1: the OAuth endpoints take POST only, not %s',
  async (method) => {
    const before = rowsOf(world.at);
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
      const answer = await world.at.fetch(path, { method, headers: { authorization: client.basic } });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
      if (method !== 'HEAD') expect(await refusalOf(world.at, answer)).toEqual(refusedAs('method_not_allowed'));
    }
    expect(rowsOf(world.at)).toEqual(before);
  },
);

test.each(forms)('ENV-02 RFC 6749 Appendix B: %s takes a form and nothing else', async (_, route) => {
  for (const type of [
    'application/json',
    'multipart/form-data; boundary=x',
    'text/plain',
    `${FORM}; charset=latin1`,
    '',
  ])
    expect(
      await refusalOf(world.at, await send(route, { headers: { 'content-type': type }, body: 'token=x' })),
    ).toEqual(refusedAs('content_type_wrong'));
  for (const type of [`${FORM}; charset=UTF-8`, `${FORM};charset="utf-8"`, FORM.toUpperCase()])
    expect((await send(route, { headers: { 'content-type': type }, body: `${GRANT}&token=x` })).status).not.toBe(415);
});

test.each(jsons)('attack 8.38: %s takes JSON only as application/json, in UTF-8', async (_, route) => {
  const before = rowsOf(world.at);
  for (const type of ['text/plain', FORM, 'application/json; charset=utf-16', 'application/jsonx', 'text/json', ''])
    expect(await refusalOf(world.at, await send(route, { headers: { 'content-type': type }, body: '{}' }))).toEqual(
      refusedAs('content_type_wrong'),
    );
  for (const body of [
    '',
    '{',
    ...(route.path === '/api-keys/leaked' ? [] : ['[]']), // scanners send lists
    'null',
    '"x"',
    '{"a":1}x',
    '{"a":NaN}',
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  ])
    expect(
      await refusalOf(world.at, await send(route, { headers: { 'content-type': 'application/json' }, body })),
    ).toEqual(refusedAs('body_malformed'));
  expect(rowsOf(world.at)).toEqual(before);
});

test.each(withBody.filter(([, { path }]) => path !== '/api/password'))(
  'ENV-10, attack 8.38: %s refuses 10 MB, declared or streamed, and nests without end',
  async (_, route) => {
    const type = isForm(route) ? FORM : 'application/json';
    const headers = { 'content-type': type };
    const tenMegabytes = 'x'.repeat(10 * 1024 * 1024);
    expect(await refusalOf(world.at, await send(route, { headers, body: tenMegabytes }))).toEqual(
      refusedAs('body_too_large'),
    );
    const streamed = { headers, body: new Response(tenMegabytes).body, duplex: 'half' } as RequestInit;
    expect(await refusalOf(world.at, await send(route, streamed))).toEqual(refusedAs('body_too_large'));
    const depth = Math.floor(route.bodyMax / 2) - 10;
    const nested = await send(route, { headers, body: `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}` });
    // a logout ignores what it does not know, and with nobody signed in there is nothing to refuse; whoever has not seen
    // the page that asks for a link is sent there
    const least = ['/oauth/logout', '/signout', '/reset', '/register', '/signin/link'].includes(route.path) ? 200 : 400;
    expect([nested.status >= least, nested.status < 500]).toEqual([true, true]);
  },
);

test('ENV-10, attack 8.38: a body is as large as may be, and one byte larger', async () => {
  const sized = (bytes: number) => `${GRANT}&x=`.padEnd(bytes, 'x');
  for (const [bytes, status] of [
    [LIMITS.bodyBytesMax - 1, 200],
    [LIMITS.bodyBytesMax, 200],
    [LIMITS.bodyBytesMax + 1, 413],
  ] as const)
    expect((await token(sized(bytes))).status).toBe(status);
});

test('attack 8.38: a hundred thousand parameters are refused, and so is one more than a hundred', async () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `x${index}`).join('&');
  expect((await token(`${GRANT}&${many(LIMITS.parametersMax - 1)}`)).status).toBe(200);
  expect(await refusalOf(world.at, await token(`${GRANT}&${many(LIMITS.parametersMax)}`))).toEqual(
    refusedAs('parameters_too_many'),
  );
  expect(await refusalOf(world.at, await token(`${GRANT}&${'&a'.repeat(20_000)}&a=1`))).toEqual(
    refusedAs('parameter_repeated'),
  );
  expect(await refusalOf(world.at, await token(many(100_000)))).toEqual(refusedAs('body_too_large'));
});

test.each(['grant_type', 'scope', 'client_id', 'token', 'colour', ''])(
  'ENV-03 OAuth 2.1, attack 8.9: %j twice is an error, be the values the same, empty or the name unknown',
  async (name) => {
    const before = rowsOf(world.at);
    for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect'])
      for (const pair of ['a', ''].map((value) => `${name}=${value}&${name}=${value}`)) {
        const others = name === 'grant_type' ? '' : `&${GRANT}`;
        const headers = { authorization: client.basic, 'content-type': FORM };
        const answer = await world.at.fetch(path, { method: 'POST', headers, body: `${pair}${others}` });
        expect(await refusalOf(world.at, answer)).toEqual(refusedAs('parameter_repeated'));
      }
    expect(rowsOf(world.at)).toEqual(before);
  },
);

test('ENV-03, attack 8.9: a repeated parameter in the query of the admin API is an error', async () => {
  const headers = { authorization: `Bearer ${admin.token}` };
  const answer = await world.at.fetch('/admin/api/accounts?limit=1&limit=2', { headers });
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('parameter_repeated'));
});

test('ENV-04 RFC 8707 §2: resource alone may repeat, as often as there may be resources', async () => {
  const resource = (count: number) => `&resource=${encodeURIComponent(world.api.row.identifier)}`.repeat(count);
  expect((await token(GRANT + resource(1))).status).toBe(200);
  for (const count of [2, LIMITS.resourcesMax])
    expect(await refusalOf(world.at, await token(GRANT + resource(count)))).toEqual(refusedAs('resource_ambiguous'));
  expect(await refusalOf(world.at, await token(GRANT + resource(LIMITS.resourcesMax + 1)))).toEqual(
    refusedAs('parameters_too_many'),
  );
});

test('ENV-05 OAuth 2.1: an empty parameter counts as absent', async () => {
  expect((await token(`${GRANT}&scope=&resource=&client_id=&client_secret=`)).status).toBe(200);
  expect(await refusalOf(world.at, await token('grant_type='))).toEqual(refusedAs('parameter_missing'));
  const headers = { authorization: client.basic };
  expect(await refusalOf(world.at, await world.at.fetch('/oauth/revoke', form({ token: '' }, headers)))).toEqual(
    refusedAs('parameter_missing'),
  );
});

test('ENV-06 OAuth 2.1: unknown parameters and members are ignored', async () => {
  expect((await token(`${GRANT}&colour=blue&password=x&__proto__=1`)).status).toBe(200);
  expect((await world.login({ colour: 'blue' })).status).toBe(200);
  const headers = { authorization: client.basic };
  expect((await world.at.fetch('/oauth/revoke', form({ token: 'x', colour: 'blue' }, headers))).status).toBe(200);
});

test('a path with a broken escape is no fault of ours', async () => {
  const headers = { authorization: `Bearer ${admin.token}` };
  for (const path of ['/api/sessions/%ZZ', '/admin/api/accounts/%E0%A4%A', '/%ff', '/admin/api/accounts/%00'])
    for (const method of ['GET', 'DELETE'])
      expect((await world.at.fetch(path, { method, headers })).status).toBeLessThan(500);
});

test('a body that is sent where none is taken is not read', async () => {
  const answer = await world.at.fetch('/readyz', { method: 'POST', ...jsonBody({ a: 1 }) });
  expect(await refusalOf(world.at, answer)).toEqual(refusedAs('method_not_allowed'));
});
