import { type Answered, populate, read, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer());
});
afterAll(() => world.at.close());

const page = () => ({ origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' });
const signIn = () => world.login({ delivery: 'cookie' }, page());
const cookieHeader = ({ cookies }: Answered) =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
const withCookies = (login: Answered, more: Record<string, string> = {}) => ({
  ...page(),
  cookie: cookieHeader(login),
  'x-latchkey-csrf': String(login.body.csrf_token),
  ...more,
});

test('SES-01 ASVS 3.3: a login that asks for cookies sets three and one for the device, and says no token in its body', async () => {
  const { status, headers, body } = await signIn();
  expect(status).toBe(200);
  expect(body).toEqual({ csrf_token: expect.any(String), expires_in: 300, scope: 'read write' });
  expect(headers.getSetCookie().map((line) => line.replace(/=[^;]*/, '=…'))).toEqual([
    '__Host-latchkey-refresh=…; Path=/; Secure; SameSite=Strict; HttpOnly; Max-Age=86400',
    '__Host-latchkey-access=…; Path=/; Secure; SameSite=Strict; HttpOnly; Max-Age=300',
    '__Host-latchkey-csrf=…; Path=/; Secure; SameSite=Strict; Max-Age=86400',
    '__Host-latchkey-device=…; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15552000',
  ]);
});

test.each([
  ['no origin', {}],
  ['a registered origin of another site', { origin: 'https://app.example' }],
  ['another origin', { origin: 'https://evil.example' }],
  ['no header of its own, as from a form', { form: '' }],
])('CSRF-04: a login with %s gets no cookies', async (_, headers) => {
  const { origin, ...others } = page();
  const given = 'form' in headers ? { origin } : { ...others, ...headers };
  const answer = await world.login({ delivery: 'cookie' }, given);
  expect([answer.status, answer.body.error, answer.headers.getSetCookie()]).toEqual([400, 'invalid_request', []]);
});

test("a refresh by cookie gives cookies, never tokens in the body; the family's token in a body is refused", async () => {
  const login = await signIn();
  const refreshed = await world.post('/api/refresh', {}, withCookies(login));
  expect(refreshed.status).toBe(200);
  expect(JSON.stringify(refreshed.body)).not.toContain('lk_rt_');
  expect(refreshed.cookies['__Host-latchkey-refresh']).not.toBe(login.cookies['__Host-latchkey-refresh']);
  const inBody = await world.post(
    '/api/refresh',
    { refresh_token: refreshed.cookies['__Host-latchkey-refresh'] },
    page(),
  );
  expect([inBody.status, inBody.body.error]).toEqual([400, 'invalid_grant']);
  expect((await world.post('/api/refresh', {}, withCookies({ ...refreshed, body: login.body }))).status).toBe(200);
});

test('a second tab that repeats the refresh within the overlap gets the same successor', async () => {
  const login = await signIn();
  const [one, two] = await Promise.all([
    world.post('/api/refresh', {}, withCookies(login)),
    world.post('/api/refresh', {}, withCookies(login)),
  ]);
  expect([one.status, two.status]).toEqual([200, 200]);
  expect(one.cookies['__Host-latchkey-refresh']).toBe(two.cookies['__Host-latchkey-refresh']);
});

test.each([
  ['no CSRF token', { 'x-latchkey-csrf': '' }],
  ['the CSRF token of another family', { 'x-latchkey-csrf': 'x'.repeat(43) }],
  ['another origin', { origin: 'https://evil.example' }],
  ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
  ['a page of a sister host', { 'sec-fetch-site': 'same-site' }],
])(
  'CSRF-01, CSRF-02, CSRF-03 ASVS 3.5.1: a request by cookie with %s is refused, and changes nothing',
  async (_, more) => {
    const login = await signIn();
    for (const path of ['/api/refresh', '/api/logout'])
      expect(await world.post(path, {}, withCookies(login, more))).toMatchObject({
        status: 403,
        body: { error: 'access_denied' },
      });
    expect((await world.post('/api/refresh', {}, withCookies(login))).status).toBe(200);
  },
);

test('SES-07: attack 8.22: a cookie that was planted beside the real one makes both count for nothing', async () => {
  const login = await signIn();
  const headers = withCookies(login);
  const planted = { ...headers, cookie: `__Host-latchkey-refresh=lk_rt_planted; ${headers.cookie}` };
  expect((await world.post('/api/refresh', {}, planted)).status).toBe(400);
});

test('me and sessions take the refresh cookie, checked and not rotated; a change by it needs the CSRF token', async () => {
  const login = await signIn();
  const me = await world.get('/api/me', { cookie: cookieHeader(login) });
  expect(me.body.sub).toBe(world.accountId);
  expect((await world.get('/api/sessions', { cookie: cookieHeader(login) })).status).toBe(200);
  const end = async (headers: Record<string, string>) =>
    read(await world.at.fetch(`/api/sessions/${me.body.sid}`, { method: 'DELETE', headers }));
  expect((await end({ cookie: cookieHeader(login), ...page() })).status).toBe(403);
  expect((await end(withCookies(login))).status).toBe(204);
  expect((await world.get('/api/me', { cookie: cookieHeader(login) })).status).toBe(400);
});

test('logout by cookie takes the cookies away', async () => {
  const login = await signIn();
  const out = await world.post('/api/logout', {}, withCookies(login));
  expect(out.status).toBe(204);
  expect(out.headers.getSetCookie().every((line) => line.includes('Max-Age=0'))).toBe(true);
  expect((await world.post('/api/refresh', {}, withCookies(login))).status).toBe(400);
});
