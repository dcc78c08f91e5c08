import { rotateMacKeys } from '@latchkey/server/keys/rotate-mac';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
let api: Awaited<ReturnType<typeof addResource>>;
let appId: string;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
  api = await addResource(world.at.server, { format: 'opaque' });
  const resources = [api.row.identifier];
  const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
  appId = (await addClient(world.at.server, app)).row.id;
});
afterAll(() => world.at.close());

const signIn = async () => (await world.login({ client_id: appId })).body;
const idOf = async (token: unknown) => {
  const asked = form({ token: String(token) }, { authorization: api.basic });
  return (await (await world.at.fetch('/oauth/introspect', asked)).json()).jti;
};
interface Check {
  readonly check: string;
  readonly result: string;
  readonly text: string;
}

/** What is said of a token: its last check that was reached, what happened, and what to do. */
async function explained(token: unknown) {
  const { status, body } = await admin.post('/explain', { credential: String(token) });
  expect([status, body.kind]).toEqual([200, 'an access token (opaque)']);
  expect(JSON.stringify(body)).not.toContain(String(token).slice(6));
  const reached = (body.checks as readonly Check[]).filter(({ result }) => result !== 'not_reached');
  const last = reached.at(-1);
  return { check: last?.check, result: last?.result, text: last?.text, why: body.event?.why, advice: body.advice };
}

test('a live opaque token passes every check, and whoever shows it is told to revoke it', async () => {
  const { access_token: token } = await signIn();
  expect(await explained(token)).toEqual({
    check: 'family',
    result: 'passed',
    text: expect.stringMatching(/^The family fam_\w+ has not ended\.$/),
    why: undefined,
    advice: expect.stringMatching(/^The token is live, .* latchkey token revoke --id fam_\w+\.$/),
  });
});

test('a damaged one, a forged one, and one under a key that never was', async () => {
  const token = String((await signIn()).access_token);
  const forged = token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  const bytes = Buffer.from(token.slice(6), 'base64url');
  bytes.writeUInt32BE(77, 1);
  const found = [];
  for (const text of [token.slice(0, -1), forged, `lk_at_${bytes.toString('base64url')}`])
    found.push((await explained(text)).check);
  expect(found).toEqual(['form', 'mac', 'mac_key']);
});

test('one whose family ended, one that was revoked by itself, and one that has expired', async () => {
  const [first, second, third] = [await signIn(), await signIn(), await signIn()];
  await world.at.fetch('/api/logout', jsonBody({ refresh_token: first.refresh_token }));
  expect(await explained(first.access_token)).toMatchObject({ check: 'session', why: 'The person logged out.' });
  await admin.post('/tokens/revoke', { id: await idOf(second.access_token) });
  expect(await explained(second.access_token)).toMatchObject({
    check: 'known',
    text: 'No row of it is kept: it was revoked.',
    why: 'It was revoked by itself.',
  });
  clock.advance(250_000);
  const { server } = world.at;
  admin = await addAdministrator(world.at);
  clock.advance(50_000);
  expect(await explained(third.access_token)).toMatchObject({ check: 'time', result: 'failed' });
  while ((await server.store.expire(clock.now(), 100)) > 0);
  expect(await explained(third.access_token)).toMatchObject({
    check: 'known',
    text: 'No row of it is kept: it has expired, or made place for newer ones of its client.',
    why: undefined,
  });
});

test('rotation leaves the MAC key of an opaque token to verify; its revocation ends the token', async () => {
  const { server } = world.at;
  const { access_token: token } = await signIn();
  await rotateMacKeys(server, { action: 'rotate' }, 'server');
  expect(await explained(token)).toMatchObject({ check: 'family', result: 'passed' });
  const { access_token: next } = await signIn();
  expect((await admin.post('/mac-keys/1/revoke', {})).status).toBe(200);
  const page = await (await world.at.fetch('/revocations', { headers: { authorization: api.basic } })).json();
  expect(page.events.at(-1)).toMatchObject({ kind: 'changed', id: appId });
  expect(await explained(token)).toMatchObject({ check: 'mac_key', text: 'The MAC key 1 was revoked.' });
  expect([await idOf(token), await idOf(next)]).toEqual([undefined, expect.stringMatching(/^tok_/)]);
});
