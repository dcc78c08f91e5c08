import { LIMITS } from '@latchkey/protocol/limits';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

let world: World;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const signIn = (username: string, password: string) => world.login({ username, password });
const refresh = (token: string) => world.post('/api/refresh', { refresh_token: token });

test('an account has several identifiers, and signs in with each', async () => {
  const { status, body } = await admin.post('/accounts', {
    identifiers: ['Ada', 'ada@example.com'],
    password: PASSWORD,
  });
  expect([status, body]).toEqual([
    201,
    { id: expect.stringMatching(/^acc_/), identifiers: ['Ada', 'ada@example.com'], created_at: expect.any(String) },
  ]);
  expect((await signIn('ADA', PASSWORD)).status).toBe(200);
  expect((await signIn('ada@example.com', PASSWORD)).status).toBe(200);
  expect((await admin.get('/accounts?identifier=aDa')).body.items).toEqual([body]);
  expect((await admin.get(`/accounts/${body.id}`)).body).toEqual(body);
  expect((await admin.get('/accounts?identifier=nobody')).body.items).toEqual([]);
});

test.each([
  ['an identifier that another account has', { identifiers: ['Alice'] }, 409, 'conflict'],
  ['an identifier twice', { identifiers: ['twice', 'TWICE'] }, 422, 'invalid_request'],
  ['no identifier', { identifiers: [] }, 422, 'invalid_request'],
  ['an identifier with a control character', { identifiers: ['a\u0007b'] }, 422, 'invalid_request'],
  ['a short password', { identifiers: ['x1'], password: 'fourteen chars' }, 422, 'password_too_short'],
  [
    'a password made of its name',
    { identifiers: ['bartholomew'], password: 'bartholomewbartholomew' },
    422,
    'password_blocklisted',
  ],
  [
    'one identifier too many',
    { identifiers: Array.from({ length: LIMITS.identifiersPerAccountMax + 1 }, (_, n) => `name${n}`) },
    422,
    'invalid_request',
  ],
])('an account with %s is refused, and none is made', async (_, body, status, error) => {
  const before = (await admin.get('/accounts')).body;
  const answer = await admin.post('/accounts', body);
  expect([answer.status, answer.body.error]).toEqual([status, error]);
  expect((await admin.get('/accounts')).body).toEqual(before);
});

test('a disabled account cannot sign in or refresh; enabled again, what has ended stays ended', async () => {
  const { body } = await admin.post('/accounts', { identifiers: ['grace'], password: PASSWORD });
  const before = await signIn('grace', PASSWORD);
  const disabled = await admin.post(`/accounts/${body.id}/disable`);
  expect([disabled.status, disabled.body.disabled_at]).toEqual([200, expect.any(String)]);
  expect((await signIn('grace', PASSWORD)).status).toBe(401);
  expect((await refresh(String(before.body.refresh_token))).status).toBe(400);
  expect((await admin.get(`/accounts/${body.id}/sessions`)).body.items).toEqual([]);

  const enabled = await admin.post(`/accounts/${body.id}/enable`);
  expect([enabled.status, enabled.body.disabled_at]).toEqual([200, undefined]);
  expect((await signIn('grace', PASSWORD)).status).toBe(200);
  expect((await refresh(String(before.body.refresh_token))).status).toBe(400);
});

test('a password that an administrator sets ends every session; the old one works no more', async () => {
  const { body } = await admin.post('/accounts', { identifiers: ['edsger'], password: PASSWORD });
  const before = await signIn('edsger', PASSWORD);
  const fresh = 'quite another passphrase';
  expect((await admin.post(`/accounts/${body.id}/password`, { password: fresh })).status).toBe(200);
  expect((await signIn('edsger', PASSWORD)).status).toBe(401);
  expect((await signIn('edsger', fresh)).status).toBe(200);
  expect((await refresh(String(before.body.refresh_token))).status).toBe(400);
});

test('an account without a password cannot sign in until it has one', async () => {
  const { body } = await admin.post('/accounts', { identifiers: ['barbara'] });
  expect((await signIn('barbara', '')).status).toBe(401);
  expect((await signIn('barbara', PASSWORD)).status).toBe(401);
  await admin.post(`/accounts/${body.id}/password`, { password: PASSWORD });
  expect((await signIn('barbara', PASSWORD)).status).toBe(200);
});

test('a role stands in the next access token for its resource, and nowhere else', async () => {
  const { body } = await admin.post('/accounts', { identifiers: ['donald'], password: PASSWORD });
  const role = { resource: world.api.row.identifier, role: 'editor' };
  const rolesIn = async () => {
    const { access_token: token } = (await signIn('donald', PASSWORD)).body;
    return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()).roles;
  };
  const roles = `/accounts/${body.id}/roles`;
  expect([(await admin.post(roles, role)).status, (await admin.post(roles, role)).status]).toEqual([201, 201]);
  expect((await admin.get(roles)).body).toEqual({ items: [role] });
  expect(await rolesIn()).toEqual(['editor']);
  const query = new URLSearchParams(role).toString();
  expect((await admin.delete(`${roles}?${query}`)).status).toBe(204);
  expect((await admin.delete(`${roles}?${query}`)).status).toBe(404);
  expect(await rolesIn()).toBeUndefined();
  const unknown = await admin.post(roles, { ...role, resource: 'https://nowhere.example' });
  expect([unknown.status, unknown.body.error]).toEqual([400, 'invalid_target']);
});

test('a session that an administrator ends is over for its refresh token, and the feed says so once', async () => {
  const login = await signIn('alice', PASSWORD);
  const list = (await admin.get(`/accounts/${world.accountId}/sessions`)).body.items;
  const session = list.at(-1);
  expect(session).toMatchObject({ account: world.accountId, amr: ['pwd'] });
  expect((await admin.delete(`/sessions/${session.id}`)).status).toBe(204);
  expect((await refresh(String(login.body.refresh_token))).status).toBe(400);
  expect((await admin.delete(`/sessions/${session.id}`)).status).toBe(204);
  const { events } = await (await world.at.fetch('/revocations')).json();
  expect(events.filter(({ id }: { id: string }) => id === session.id)).toHaveLength(1);
  expect((await admin.delete('/sessions/ses_00000000000000000000000000')).status).toBe(404);
});

test.each(['disable', 'enable', 'password', 'roles'])('%s of an account that is not there is 404', async (what) => {
  const path = `/accounts/acc_00000000000000000000000000/${what}`;
  const bodies: Readonly<Record<string, object>> = {
    password: { password: PASSWORD },
    roles: { resource: 'https://a.example', role: 'x' },
  };
  expect((await admin.post(path, bodies[what] ?? {})).status).toBe(404);
});
