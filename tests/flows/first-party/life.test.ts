import { testClock } from '@latchkey/testkit/clock';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
const clock = testClock();
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
});
afterAll(() => world.at.close());

const refresh = (token: unknown, more: object = {}) => world.post('/api/refresh', { refresh_token: token, ...more });
const isActive = async (token: unknown) => {
  const answer = await world.at.fetch(
    '/oauth/introspect',
    form({ token: String(token) }, { authorization: world.api.basic }),
  );
  return (await answer.json()).active;
};
const events = async () => {
  const page = await (await world.at.fetch('/revocations', { headers: { authorization: world.api.basic } })).json();
  return page.events.map(({ kind }: { kind: string }) => kind);
};
const owner = async () => {
  const { body } = await world.login({ resource: world.at.issuer });
  return { body, headers: { authorization: `Bearer ${body.access_token}` } };
};

test('RT-02, RT-05 RFC 9700 §4.14.2: a superseded refresh token ends its family for thief and owner', async () => {
  const { body: first } = await world.login();
  const { body: second } = await refresh(first.refresh_token);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(await isActive(second.access_token)).toBe(true);
  expect(await refresh(first.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(await refresh(second.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(await isActive(second.access_token)).toBe(false);
  const { token_type: _, ...answer } = (await refresh(second.refresh_token)).body;
  expect(answer.error_description).toContain('ended');
});

test('a retry with the same attempt id within the overlap gets the same successor; after it, it is theft', async () => {
  const { body: first } = await world.login();
  const attempt = { attempt_id: 'attempt-1' };
  const { body: second } = await refresh(first.refresh_token, attempt);
  clock.advance(9_999);
  const { body: again } = await refresh(first.refresh_token, attempt);
  expect(again.refresh_token).toBe(second.refresh_token);
  expect(again.access_token).not.toBe(second.access_token);
  clock.advance(1);
  expect((await refresh(first.refresh_token, attempt)).status).toBe(400);
});

test('a retry with another attempt id is theft, within the overlap too', async () => {
  const { body: first } = await world.login();
  await refresh(first.refresh_token, { attempt_id: 'mine' });
  expect((await refresh(first.refresh_token, { attempt_id: 'guessed' })).status).toBe(400);
});

test('racing refreshes with one token: one rotates, and without an attempt id the others end the family', async () => {
  const { body: first } = await world.login();
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(first.refresh_token)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
});

test('RFC 6749 §6: a refresh may narrow the scope and choose a resource of the family, and no more', async () => {
  const { body: first } = await world.login();
  const narrow = await refresh(first.refresh_token, { scope: 'read' });
  expect(narrow.body.scope).toBe('read');
  const other = await refresh(narrow.body.refresh_token, { scope: 'read admin' });
  expect(other).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  const server = await refresh(narrow.body.refresh_token, { resource: world.at.issuer });
  expect(server.status).toBe(200); // the refusal before changed nothing
  const target = await refresh(server.body.refresh_token, { resource: 'https://other.example' });
  expect(target).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
});

test.each([
  ['SES-04 just before it has lain idle for too long', 14 * 86_400_000 - 1, 200],
  ['SES-04 when it has', 14 * 86_400_000, 400],
])('NUM-03: a refresh token %s', async (_, milliseconds, status) => {
  const own = await populate(await startTestServer({ now: clock.now }));
  const { body } = await own.login();
  clock.advance(milliseconds);
  expect((await own.post('/api/refresh', { refresh_token: body.refresh_token })).status).toBe(status);
  await own.at.close();
});

test('SES-03 ASVS 7.4.1: logout ends the session, its tokens and its family, and a second one is no error', async () => {
  const { body } = await world.login();
  expect((await world.post('/api/logout', { refresh_token: body.refresh_token })).status).toBe(204);
  expect(await isActive(body.access_token)).toBe(false);
  expect((await refresh(body.refresh_token)).status).toBe(400);
  const before = await events();
  expect((await world.post('/api/logout', { refresh_token: body.refresh_token })).status).toBe(204);
  expect(await events()).toEqual(before);
  expect(before.at(-1)).toBe('session');
});

test('SES-06 ASVS 7.5.2: a person sees the own sessions, ends one, ends all', async () => {
  const other = await world.login();
  const { headers } = await owner();
  const list = await world.get('/api/sessions', headers);
  const sessions = list.body.sessions as unknown as { id: string; current: boolean }[];
  expect(sessions.filter(({ current }) => current)).toHaveLength(1);
  const victim = JSON.parse(
    Buffer.from(String(other.body.access_token).split('.')[1] ?? '', 'base64url').toString(),
  ).sid;
  const end = (path: string) => world.at.fetch(path, { method: 'DELETE', headers });
  expect((await end(`/api/sessions/${victim}`)).status).toBe(204);
  expect(await isActive(other.body.access_token)).toBe(false);
  expect((await end(`/api/sessions/${victim}`)).status).toBe(404);
  expect((await end('/api/sessions/ses_00000000000000000000000000')).status).toBe(404);
  const all = await end('/api/sessions');
  expect((await all.json()).ended).toBe(sessions.length - 1);
  const after = await world.get('/api/sessions', headers);
  expect([after.status, after.body.error]).toEqual([401, 'invalid_token']);
});

test('SES-05, PWD-15 ASVS 6.2.3, 7.4.3: changing the password needs the present one, and ends the other sessions', async () => {
  const own = await populate(await startTestServer());
  const other = (await own.login()).body;
  const { body } = await own.login({ resource: own.at.issuer });
  const headers = { authorization: `Bearer ${body.access_token}` };
  const change = (current: string, next: string) =>
    own.post('/api/password', { current_password: current, new_password: next }, headers);
  const next = 'another passphrase of great length';
  expect(await change('wrong', next)).toMatchObject({ status: 403, body: { error: 'invalid_credentials' } });
  expect(await change(PASSWORD, 'short')).toMatchObject({ status: 422, body: { error: 'password_too_short' } });
  expect(await change(PASSWORD, 'Alice1234567890')).toMatchObject({
    status: 422,
    body: { error: 'password_blocklisted' },
  });
  expect((await change(PASSWORD, next)).status).toBe(204);
  expect((await own.post('/api/refresh', { refresh_token: other.refresh_token })).status).toBe(400);
  expect((await own.post('/api/refresh', { refresh_token: body.refresh_token })).status).toBe(200);
  expect((await own.get('/api/me', headers)).status).toBe(200);
  expect((await own.login()).status).toBe(401);
  expect((await own.login({ password: next })).status).toBe(200);
  await own.at.close();
});

test('CAU-15, RT-01 RFC 6749 §6: a refresh token of one client is nothing in the hands of another, and its family stays', async () => {
  const { body } = await world.login();
  const thief = await addClient(world.at.server, { authentication: 'none', grantTypes: ['refresh_token'] });
  const send = (client_id: string, token: string) =>
    world.at.fetch('/oauth/token', form({ grant_type: 'refresh_token', refresh_token: token, client_id }));
  const stolen = await send(thief.row.id, String(body.refresh_token));
  expect([stolen.status, (await stolen.json()).error]).toEqual([400, 'invalid_grant']);
  expect((await send(world.clientId, String(body.refresh_token))).status).toBe(200);
});

test("REV-01 to REV-04 RFC 7009 §2: revocation, whatever the hint; of a stranger's token not; of nothing no error", async () => {
  const { body } = await world.login();
  const revoke = async (token: unknown, client_id: string, hint = 'foo') => {
    const answer = await world.at.fetch(
      '/oauth/revoke',
      form({ token: String(token), client_id, token_type_hint: hint }),
    );
    return [answer.status, await answer.text()];
  };
  const stranger = await addClient(world.at.server, { authentication: 'none' });
  expect((await revoke(body.refresh_token, stranger.row.id))[0]).toBe(400);
  expect((await revoke(body.access_token, stranger.row.id))[0]).toBe(400);
  expect(await isActive(body.access_token)).toBe(true);
  expect(await revoke(body.refresh_token, world.clientId, 'access_token')).toEqual([200, '{}']);
  expect(await isActive(body.access_token)).toBe(false);
  const before = await events();
  for (const nothing of [body.refresh_token, body.access_token, 'random', 'lk_rt_random', 'a.b.c'])
    expect(await revoke(nothing, world.clientId)).toEqual([200, '{}']);
  expect(await events()).toEqual(before);
});

test('REV-03: revoking an access token leaves its refresh token', async () => {
  const { body } = await world.login();
  await world.at.fetch('/oauth/revoke', form({ token: String(body.access_token), client_id: world.clientId }));
  expect(await isActive(body.access_token)).toBe(false);
  expect((await refresh(body.refresh_token)).status).toBe(200);
});

test('INT-01 to INT-05 RFC 7662 §2: introspection, for resource servers, each about its own tokens', async () => {
  const { body } = await world.login();
  const ask = async (token: string, headers: Record<string, string>) => {
    const answer = await world.at.fetch('/oauth/introspect', form({ token }, headers));
    return { status: answer.status, body: await answer.json(), challenge: answer.headers.get('www-authenticate') };
  };
  expect(await ask(String(body.access_token), {})).toMatchObject({
    status: 401,
    body: { error: 'invalid_client' },
    challenge: expect.stringContaining('Basic'),
  });
  const own = await ask(String(body.access_token), { authorization: world.api.basic });
  expect(own.body).toMatchObject({ active: true, sub: world.accountId, token_type: 'Bearer', exp: expect.any(Number) });
  const { addResource } = await import('@latchkey/testkit/test-server');
  const other = await addResource(world.at.server);
  for (const [token, basic] of [
    [String(body.access_token), other.basic],
    ['garbage', world.api.basic],
    [String(body.refresh_token), world.api.basic],
  ] as const)
    expect((await ask(token, { authorization: basic })).body).toEqual({ active: false });
  const client = await addClient(world.at.server);
  expect((await ask(String(body.access_token), { authorization: client.basic })).status).toBe(401);
  clock.advance(331_000);
  expect((await ask(String(body.access_token), { authorization: world.api.basic })).body).toEqual({ active: false });
});
