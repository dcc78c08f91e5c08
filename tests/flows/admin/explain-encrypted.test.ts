import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { encryptToken } from '@latchkey/tokens/formats/encrypted-token';
import { type EncryptionKeyPair, generateEncryptionKeyPair } from '@latchkey/tokens/keys/encryption-key';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
let pair: EncryptionKeyPair;
let api: Awaited<ReturnType<typeof addResource>>;
let appId: string;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  pair = await generateEncryptionKeyPair('P-256');
  api = await addResource(world.at.server, { format: 'jwe', encryptionKey: pair.publicJwk });
  const resources = [api.row.identifier];
  const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
  appId = (await addClient(world.at.server, app)).row.id;
});
beforeEach(async () => {
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const signIn = async () => (await world.login({ client_id: appId })).body;
const idOf = async (token: unknown, of = api) => {
  const asked = form({ token: String(token) }, { authorization: of.basic });
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
  expect([status, body.kind]).toEqual([200, 'an access token (JWE)']);
  const checks = body.checks as readonly Check[];
  const last = checks.filter(({ result }) => result !== 'not_reached').at(-1);
  const key = checks.find(({ check }) => check === 'key')?.text;
  return { check: last?.check, result: last?.result, text: last?.text, why: body.event?.why, key, advice: body.advice };
}

test('a live encrypted token passes every check, and whoever shows it is told to revoke it', async () => {
  const { access_token: token } = await signIn();
  const { body } = await admin.post('/explain', { credential: String(token) });
  expect(body.checks.map(({ check, result }: Check) => [check, result])).toEqual(
    ['form', 'known', 'key', 'audience', 'time', 'token', 'client', 'account', 'session', 'family'].map((check) => [
      check,
      'passed',
    ]),
  );
  expect(body.advice).toMatch(/^The token is live, for .* latchkey token revoke --id fam_\w+\.$/);
  for (const part of String(token).split('.').slice(1)) expect(JSON.stringify(body)).not.toContain(part);
});

test('a damaged one, a changed one, and one that somebody else has encrypted to the API', async () => {
  const token = String((await signIn()).access_token);
  const changed = token.split('.').with(4, 'A'.repeat(22)).join('.');
  const found = [];
  for (const text of [token.slice(0, -1), changed, await encryptToken('a.b.c', pair.publicJwk)])
    found.push((await explained(text)).check);
  expect(found).toEqual(['form', 'known', 'known']);
  expect((await explained(changed)).text).toContain('Whoever knows the public key of an API can encrypt to it.');
});

test('one whose session ended, one that was revoked by itself, and one that has expired', async () => {
  const [first, second, third] = [await signIn(), await signIn(), await signIn()];
  await world.at.fetch('/api/logout', jsonBody({ refresh_token: first.refresh_token }));
  expect(await explained(first.access_token)).toMatchObject({ check: 'session', why: 'The person logged out.' });
  await admin.post('/tokens/revoke', { id: await idOf(second.access_token) });
  expect(await explained(second.access_token)).toMatchObject({
    check: 'known',
    text: 'No row of it is kept: it was revoked.',
    why: 'It was revoked by itself.',
  });
  clock.advance(299_999);
  admin = await addAdministrator(world.at);
  expect(await explained(third.access_token)).toMatchObject({ check: 'family', result: 'passed' });
  clock.advance(1);
  expect(await explained(third.access_token)).toMatchObject({ check: 'time', result: 'failed' });
});

test('TSL §6.1: the row of one with a place outlives it, and is not taken for its life', async () => {
  const own = await addResource(world.at.server, {
    format: 'jwe',
    encryptionKey: pair.publicJwk,
    hasStatusList: true,
  });
  const client = await addClient(world.at.server, { resources: [own.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const issue = async () => (await (await world.at.fetch('/oauth/token', asked)).json()).access_token;
  const [token, revoked] = [await issue(), await issue()];
  expect(await explained(token)).toMatchObject({ check: 'family', result: 'passed' });
  await admin.post('/tokens/revoke', { id: await idOf(revoked, own) });
  expect(await explained(revoked)).toMatchObject({
    check: 'token',
    result: 'failed',
    why: 'It was revoked by its id.',
  });
  clock.advance(300_000);
  admin = await addAdministrator(world.at);
  expect(await explained(token)).toMatchObject({ check: 'time', result: 'failed' });
});

test('JWE-07: after a change of keys it says which key the token needs', async () => {
  const own = await addResource(world.at.server, { format: 'jwe', encryptionKey: pair.publicJwk });
  const client = await addClient(world.at.server, { resources: [own.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
  const { kid } = pair.publicJwk;
  expect((await explained(token)).key).toBe(`It is encrypted to ${kid}, the key that its API has now.`);
  const { publicJwk } = await generateEncryptionKeyPair('X25519');
  await admin.patch(`/resources/${own.row.id}`, { encryption_key: publicJwk });
  expect(await explained(token)).toMatchObject({
    result: 'passed',
    key: `It is encrypted to ${kid}; new ones are not, and the API needs that key until this one has expired.`,
  });
});
