import { PUBLISHED_BEFORE_USE_SECONDS } from '@latchkey/domain/keys/rotation';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

let world: World;
let admin: TestAdministrator;
const clock = testClock();
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const tokens = async () => (await world.login()).body as Record<'access_token' | 'refresh_token', string>;
const refresh = (token: string) => world.post('/api/refresh', { refresh_token: token });
const isActive = async (token: string) => {
  const answer = await world.at.fetch('/oauth/introspect', {
    method: 'POST',
    headers: { authorization: world.api.basic, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token }).toString(),
  });
  return (await answer.json()).active;
};
const eventsOf = async (id: string) => {
  const { events } = await (await world.at.fetch('/revocations')).json();
  return events.filter((event: { id: string }) => event.id === id);
};

test('an access token is revoked by itself; its family goes on', async () => {
  const { access_token: access, refresh_token: token } = await tokens();
  const revoked = await admin.post('/tokens/revoke', { credential: access });
  expect(revoked.body).toEqual({ kind: 'token', id: claimsOf(access).jti, result: 'ended' });
  expect(await isActive(access)).toBe(false);
  expect((await refresh(token)).status).toBe(200);
});

test.each(['refresh token', 'id'])(
  'a family is revoked by its %s, with its access tokens; again makes no event',
  async (by) => {
    const { access_token: access, refresh_token: token } = await tokens();
    const { fid } = claimsOf(access);
    const body = by === 'id' ? { id: fid } : { credential: token };
    expect((await admin.post('/tokens/revoke', body)).body).toEqual({ kind: 'family', id: fid, result: 'ended' });
    expect([(await refresh(token)).status, await isActive(access)]).toEqual([400, false]);
    expect((await admin.post('/tokens/revoke', body)).body.result).toBe('was_over');
    expect((await admin.post('/tokens/revoke', { credential: access })).body.result).toBe('was_over');
    expect([(await eventsOf(fid)).length, (await eventsOf(claimsOf(access).jti)).length]).toEqual([1, 0]);
  },
);

test('an expired access token needs no revocation', async () => {
  const { access_token: access } = await tokens();
  const { jti } = claimsOf(access);
  clock.advance(3_700_000);
  admin = await addAdministrator(world.at);
  const revoked = await admin.post('/tokens/revoke', { credential: access });
  expect([revoked.status, revoked.body]).toEqual([200, { kind: 'token', id: jti, result: 'was_over' }]);
  expect(await eventsOf(jti)).toEqual([]);
});

test.each([
  ['no token at all', { credential: 'nothing' }],
  ['a refresh token that was made up', { credential: `lk_rt_${'A'.repeat(79)}` }],
  ['an id of another kind', { id: 'acc_00000000000000000000000000' }],
  ['a family that never was', { id: 'fam_00000000000000000000000000' }],
])('%s is not found', async (_, body) => {
  expect((await admin.post('/tokens/revoke', body)).status).toBe(404);
});

test('KEY-01: the next key takes over when it was published for long enough, not a millisecond before', async () => {
  const ring = async (state: string) => {
    const { signing } = (await admin.get('/keys')).body;
    return signing.filter((key: Record<string, string>) => key.algorithm === 'RS256' && key.state === state);
  };
  clock.advance(PUBLISHED_BEFORE_USE_SECONDS * 1000);
  admin = await addAdministrator(world.at);
  expect((await admin.post('/keys/rotate', { algorithm: 'RS256' })).status).toBe(200);
  const [next] = await ring('next');

  clock.advance(PUBLISHED_BEFORE_USE_SECONDS * 1000 - 1);
  admin = await addAdministrator(world.at);
  const early = await admin.post('/keys/rotate', { algorithm: 'RS256' });
  expect([early.status, early.body.error, early.body.detail]).toEqual([
    409,
    'conflict',
    expect.stringContaining('published for 365 seconds'),
  ]);
  expect(await ring('next')).toEqual([next]);
  clock.advance(1);
  const rotated = await admin.post('/keys/rotate', { algorithm: 'RS256' });
  expect([rotated.status, rotated.body]).toEqual([200, { current: next.kid }]);
  expect([(await ring('current')).length, (await ring('next')).length]).toEqual([1, 1]);
});

test('a key of an algorithm that nothing uses is not rotated', async () => {
  expect((await admin.post('/keys/rotate', { algorithm: 'Ed25519' })).status).toBe(409);
});

test('KEY-07: a revoked key leaves the key set, its tokens are refused at once, and the next key signs', async () => {
  const { access_token: access, refresh_token: token } = await tokens();
  const { kid } = headerOf(access);
  const revoked = await admin.post(`/keys/${kid}/revoke`);
  expect([revoked.status, revoked.body.current === kid]).toEqual([200, false]);
  expect(await isActive(access)).toBe(false);
  const { keys } = await (await world.at.fetch('/.well-known/jwks.json')).json();
  expect(keys.map((key: { kid: string }) => key.kid)).not.toContain(kid);
  expect(await eventsOf(kid)).toMatchObject([{ kind: 'key' }]);

  admin = await addAdministrator(world.at);
  const renewed = String((await refresh(token)).body.access_token);
  expect([headerOf(renewed).kid, await isActive(renewed)]).toEqual([revoked.body.current, true]);
  expect((await admin.post(`/keys/${kid}/revoke`)).status).toBe(409);
  expect((await admin.post('/keys/nothing/revoke')).status).toBe(404);
});

test('KEY-07: with all, the published next key goes as well', async () => {
  const before = (await admin.get('/keys')).body.signing.filter(
    ({ algorithm, state }: Record<string, string>) => algorithm === 'ES256' && state !== 'revoked',
  );
  const current = before.find(({ state }: { state: string }) => state === 'current');
  expect((await admin.post(`/keys/${current.kid}/revoke`, { all: true })).status).toBe(200);
  admin = await addAdministrator(world.at);
  const after = (await admin.get('/keys')).body.signing.filter(
    ({ algorithm, state }: Record<string, string>) => algorithm === 'ES256' && state !== 'revoked',
  );
  const kids = (rows: readonly { kid: string; state: string }[]) =>
    rows.filter(({ state }) => state !== 'retiring').map(({ kid }) => kid);
  expect(kids(after).filter((kid) => kids(before).includes(kid))).toEqual([]);
  expect(after.map(({ state }: { state: string }) => state).sort()).toEqual(['current', 'next']);
});

test('a rotated MAC key verifies on; a revoked one ends every family under it, and only those', async () => {
  const old = await tokens();
  const rotated = await admin.post('/mac-keys/rotate');
  const fresh = await tokens();
  expect(rotated.body).toEqual({ current: 2 });
  const renewed = await refresh(old.refresh_token);
  expect(renewed.status).toBe(200);

  const late = await tokens(); // under key 2, like the renewed one
  const revoked = await admin.post('/mac-keys/2/revoke');
  expect(revoked.body).toEqual({ current: 3, families_ended: 3 });
  for (const token of [fresh.refresh_token, late.refresh_token, String(renewed.body.refresh_token)])
    expect((await refresh(token)).status).toBe(400);
  expect(await isActive(late.access_token)).toBe(false);
  const after = await tokens();
  expect((await refresh(after.refresh_token)).status).toBe(200);
  expect((await admin.post('/mac-keys/2/revoke')).body).toEqual({ current: 3, families_ended: 0 });
  expect((await admin.post('/mac-keys/9/revoke')).status).toBe(404);
});
