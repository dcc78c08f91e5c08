import { type Answered, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer());
});
afterAll(() => world.at.close());

const page = () => ({ origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' });
const cookieOf = ({ cookies }: Answered) =>
  Object.entries(cookies)
    .map((pair) => pair.join('='))
    .join('; ');
const signIn = (cookie?: string) =>
  world.login({ delivery: 'cookie' }, { ...page(), ...(cookie === undefined ? {} : { cookie }) });
const sidOf = async (login: Answered) => (await world.get('/api/me', { cookie: cookieOf(login) })).body.sid;
const byCookie = (login: Answered) => ({
  ...page(),
  cookie: cookieOf(login),
  'x-latchkey-csrf': String(login.body.csrf_token),
});

test('attack 8.22: a login takes up no session that was planted: all that identifies it is new', async () => {
  const planted = await signIn();
  const fresh = await signIn(cookieOf(planted));
  expect(await sidOf(fresh)).not.toBe(await sidOf(planted));
  for (const name of Object.keys(fresh.cookies))
    expect([name, fresh.cookies[name]]).not.toEqual([name, planted.cookies[name]]);
  expect(fresh.body.csrf_token).not.toBe(planted.body.csrf_token);
  expect((await world.post('/api/logout', {}, byCookie(planted))).status).toBe(204);
  expect((await world.post('/api/refresh', {}, byCookie(fresh))).status).toBe(200);
});

test('attack 8.22: the CSRF token of one login is none for another, nor are cookies of two logins mixed', async () => {
  const [mine, theirs] = [await signIn(), await signIn()];
  const mixed = { ...byCookie(mine), 'x-latchkey-csrf': String(theirs.body.csrf_token) };
  expect((await world.post('/api/refresh', {}, mixed)).status).toBe(403);
  const both = { ...byCookie(mine), cookie: `${cookieOf(mine)}; ${cookieOf(theirs)}` };
  expect((await world.post('/api/refresh', {}, both)).status).toBe(400);
  expect((await world.post('/api/refresh', {}, byCookie(mine))).status).toBe(200);
});

test.each(['latchkey-refresh', '__Secure-latchkey-refresh', '__host-latchkey-refresh', ' __Host-latchkey-refresh'])(
  'attack 8.22: a cookie named %j, which another host or page could set, is not read',
  async (name) => {
    const login = await signIn();
    const cookie = `${name.replace(' ', 'x')}=${login.cookies['__Host-latchkey-refresh']}`;
    expect((await world.get('/api/me', { cookie })).status).toBe(401);
  },
);

test('attack 8.22: a change of password leaves the cookies of other logins worth nothing', async () => {
  const [thief, owner] = [await signIn(), await signIn()];
  const change = { current_password: PASSWORD, new_password: 'quite another passphrase' };
  expect((await world.post('/api/password', change, byCookie(owner))).status).toBe(204);
  expect((await world.get('/api/me', { cookie: cookieOf(thief) })).status).toBe(400);
  expect((await world.get('/api/me', { cookie: cookieOf(owner) })).status).toBe(200);
});
