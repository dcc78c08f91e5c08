import { ERRORS } from '@latchkey/protocol/errors';
import { readSettings } from '@latchkey/server/read-settings';
import { ROUTES } from '@latchkey/server/routes';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';

const PRODUCTION = { mode: 'production', issuer: 'https://auth.example', trustedProxies: '192.0.2.10' } as const;

let world: World;
let admin: TestAdministrator;
let client: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(await startTestServer({ settings: PRODUCTION }));
  admin = await addAdministrator(world.at);
  client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
});
afterAll(() => world.at.close());

test('HDR-01, ENV-13 ASVS 3.4.1 to 3.4.8: the page can run nothing, be framed by nobody, send nothing, and is https for good', async () => {
  const { headers } = await world.at.fetch('/');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy.replace(/'sha256-[A-Za-z0-9+/]{43}='/, '(hash)')).toBe(
    "default-src 'none'; style-src (hash); img-src 'self'; script-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect(Object.fromEntries([...headers].filter(([name]) => name !== 'content-security-policy'))).toEqual({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'cache-control': 'no-store',
    pragma: 'no-cache',
    'x-frame-options': 'DENY',
  });
});

test('HDR-01 RFC 6797 §7.2: plain http on loopback promises no https', async () => {
  const at = await startTestServer();
  expect((await at.fetch('/')).headers.get('strict-transport-security')).toBeNull();
  await at.close();
});

test('HDR-01: HTML is where pages are, and every other answer is of a type that no browser runs', async () => {
  for (const { method, path, wording } of ROUTES) {
    const answer = await world.at.fetch(path.replace(/:\w+/g, 'x'), { method });
    await answer.body?.cancel();
    const type = answer.headers.get('content-type') ?? '';
    if (wording === 'page') continue;
    expect(type).toMatch(/^application\/(?:problem\+json|jwk-set\+json|json)$/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  }
});

/** Every answer that holds tokens, secrets, claims or what is stored of people. */
const SECRETIVE: Readonly<Record<string, () => Promise<Response>>> = {
  'a login': () =>
    world.at.fetch('/api/login', jsonBody({ username: 'alice', password: PASSWORD, client_id: world.clientId })),
  'a refresh': async () =>
    world.at.fetch('/api/refresh', jsonBody({ refresh_token: (await world.login()).body.refresh_token })),
  'a token response': () =>
    world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, { authorization: client.basic })),
  'a refusal of the token endpoint': () => world.at.fetch('/oauth/token', form({ grant_type: 'x' })),
  'an introspection': () =>
    world.at.fetch('/oauth/introspect', form({ token: 'x' }, { authorization: world.api.basic })),
  'a revocation': () => world.at.fetch('/oauth/revoke', form({ token: 'x' }, { authorization: client.basic })),
  'a page of the feed': () => world.at.fetch('/revocations', { headers: { authorization: world.api.basic } }),
  'a list of accounts': () =>
    world.at.fetch('/admin/api/accounts', { headers: { authorization: `Bearer ${admin.token}` } }),
  'a new client with its secret': () =>
    world.at.fetch(
      '/admin/api/clients',
      jsonBody(
        { name: 'x', authentication: 'client_secret_basic', grant_types: ['client_credentials'] },
        { authorization: `Bearer ${admin.token}` },
      ),
    ),
  'who is signed in': async () => {
    const { body } = await world.login({ resource: world.at.issuer });
    return world.at.fetch('/api/me', { headers: { authorization: `Bearer ${body.access_token}` } });
  },
  'an unknown path': () => world.at.fetch('/nowhere'),
};

test.each(Object.entries(SECRETIVE))('ENV-07 RFC 6749 §5.1, RFC 7662 §4: nobody may keep %s', async (_, send) => {
  const answer = await send();
  await answer.body?.cancel();
  expect([answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
});

test('ENV-08 RFC 6749 §5.2: no code and no description of the catalogue leaves its alphabet', () => {
  for (const [id, { code, description }] of Object.entries(ERRORS))
    expect([id, code, description]).toEqual([
      id,
      expect.stringMatching(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/),
      expect.stringMatching(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/),
    ]);
});

test.each(['"<script>\\', 'ü\r\nx: y', '\u0000', '…'.repeat(300)])(
  'ENV-08 RFC 6749 §5.2, attack 8.36: nothing of %j comes back in a description or header',
  async (hostile) => {
    const headers = { authorization: client.basic };
    for (const answer of [
      await world.at.fetch('/oauth/token', form({ grant_type: hostile, scope: hostile, resource: hostile }, headers)),
      await world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials', scope: hostile }, headers)),
      await world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials', resource: hostile }, headers)),
      await world.at.fetch('/oauth/token', form({ client_id: hostile, client_secret: hostile })),
      await world.at.fetch('/api/login', jsonBody({ username: 1, [hostile]: 1, delivery: hostile })),
      await world.at.fetch(`/admin/api/accounts?${new URLSearchParams({ [hostile]: hostile, limit: hostile })}`, {
        headers: { authorization: `Bearer ${admin.token}` },
      }),
    ]) {
      const body = await answer.json();
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(body.error_description ?? body.detail ?? 'none').toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
      expect(JSON.stringify([body, ...answer.headers])).not.toContain(hostile.slice(0, 5));
    }
  },
);

test('ENV-09 ASVS 16.5: a fault of ours tells its id, and nothing of what went wrong', async () => {
  const at = await startTestServer();
  const { read } = at.server.store;
  Object.assign(read, {
    moment: () => Promise.reject(new Error('secret cause at /srv/latchkey/data')),
  });
  const lines = at.logged.length;
  const answer = await at.fetch('/readyz');
  const body = await answer.json();
  expect([answer.status, body]).toEqual([
    500,
    {
      type: `${at.issuer}/errors#server_error`,
      title: 'server_error',
      status: 500,
      detail: 'Something went wrong on our side.',
      error: 'server_error',
      error_id: expect.stringMatching(/^s[0-9a-f]{8}-[0-9a-z]+$/),
    },
  ]);
  const log = at.logged.slice(lines).join('');
  expect([log.includes('secret cause'), log.includes(body.error_id)]).toEqual([true, true]);
  await at.close();
});

test.each([
  ['http://auth.example', false],
  ['http://10.0.0.1', false],
  ['http://localhost.evil.example', false],
  ['http://127.0.0.2', false],
  ['ftp://auth.example', false],
  ['https://auth.example', true],
  ['http://localhost:8400', true],
  ['http://127.0.0.1:8400', true],
  ['http://[::1]:8400', true],
])('ENV-13 OAuth 2.1, ASVS 3.4.1: the issuer %s is taken: %s', (issuer, isTaken) => {
  const settings = readSettings({ flags: { ...PRODUCTION, issuer }, env: {}, file: {} });
  expect(settings.ok ? [] : settings.error.map(({ setting }) => setting)).toEqual(isTaken ? [] : ['issuer']);
});

test('ENV-13: development mode, which takes plain http, listens to this machine only', () => {
  const settings = readSettings({ flags: { mode: 'development', host: '0.0.0.0' }, env: {}, file: {} });
  expect(settings.ok ? [] : settings.error.map(({ setting }) => setting)).toEqual(['host']);
});

/** Where the log says that a refused request came from. */
async function addressSeen(headers: Readonly<Record<string, string>>, remote: string): Promise<unknown> {
  const answer = await world.at.fetch('/nowhere', { headers }, remote);
  const { error_id: id } = await answer.json();
  const line = world.at.logged.find((one) => one.includes(id)) ?? '{}';
  return JSON.parse(line).address;
}

test.each([
  ['192.0.2.10', { 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9'],
  ['192.0.2.10', { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }, '203.0.113.9'],
  ['192.0.2.10', {}, '192.0.2.10'],
  ['192.0.2.11', { 'x-forwarded-for': '203.0.113.9' }, '192.0.2.11'],
  ['192.0.2.11', { forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' }, '192.0.2.11'],
  ['192.0.2.10', { 'x-real-ip': '203.0.113.9', 'cf-connecting-ip': '203.0.113.9' }, '192.0.2.10'],
  ['192.0.2.10', { 'x-forwarded-for': '"><script>, x\\"y' }, '192.0.2.10'],
])('ENV-14 RFC 9700 §4.13: %s sends %j and counts as %s', async (remote, headers, address) => {
  expect(await addressSeen(headers, remote)).toBe(address);
});

test('ENV-14 RFC 9700 §4.13: a client certificate in a header proves nothing, from a named proxy neither', async () => {
  const certificate = { 'x-forwarded-client-cert': 'x', 'ssl-client-cert': 'x', 'x-ssl-client-verify': 'SUCCESS' };
  for (const remote of ['192.0.2.10', '203.0.113.1']) {
    const asked = form({ grant_type: 'client_credentials', client_id: client.row.id }, certificate);
    expect((await world.at.fetch('/oauth/token', asked, remote)).status).toBe(401);
  }
});

const LIES = [
  { 'x-forwarded-host': 'evil.example' },
  { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example', 'x-forwarded-port': '81' },
  { forwarded: 'host=evil.example;proto=http' },
  { 'x-original-url': '/admin/api/accounts', 'x-rewrite-url': '/admin/api/accounts' },
  { 'x-forwarded-prefix': '/evil.example' },
  { host: 'evil.example' },
];

test.each(LIES)(
  'attack 8.16: with %j metadata, challenges, cookies and errors name the issuer of the settings',
  async (lie) => {
    const from = (path: string, init: RequestInit = {}) =>
      world.at.fetch(`https://evil.example${path}`, { ...init, headers: { ...lie, ...init.headers } }, '192.0.2.10');
    const page = { origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
    const answers = [
      await from('/.well-known/oauth-authorization-server'),
      await from('/'),
      await from('/nowhere'),
      await from('/api/me'),
      await from('/oauth/token', form({ grant_type: 'x' })),
      await from(
        '/api/login',
        jsonBody({ username: 'alice', password: PASSWORD, client_id: world.clientId, delivery: 'cookie' }, page),
      ),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 401, 401, 200]);
    for (const answer of answers) {
      const whole = JSON.stringify([...answer.headers]) + (await answer.text());
      expect([whole.includes('evil.example'), answer.headers.get('location')]).toEqual([false, null]);
    }
    expect(answers[5]?.headers.getSetCookie().some((line) => /domain/i.test(line))).toBe(false);
  },
);
