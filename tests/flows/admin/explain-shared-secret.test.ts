import { DURATIONS } from '@latchkey/protocol/limits';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './administrator.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
let api: Readonly<Record<'id' | 'identifier', string>> & { readonly shared_secret: { kid: string; secret: string } };
let appId: string;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
  api = (await admin.post('/resources', { identifier: 'https://shared.example', name: 'Shared', algorithm: 'HS256' }))
    .body;
  const resources = [api.identifier as never];
  const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
  appId = (await addClient(world.at.server, app)).row.id;
});
beforeEach(async () => {
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const signIn = async () => (await world.login({ client_id: appId })).body as Record<string, string>;
const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
/** What an API could make itself: any claims, under the secret that it shares. */
const forge = (claims: object, header: object = {}) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: api.shared_secret.kid, ...header })
    .sign(Buffer.from(api.shared_secret.secret, 'base64url'));
interface Check {
  readonly check: string;
  readonly result: string;
  readonly text: string;
}
async function explained(token: unknown) {
  const { status, body } = await admin.post('/explain', { credential: String(token) });
  expect([status, body.kind]).toEqual([200, 'an access token (JWT under a shared secret)']);
  const last = (body.checks as readonly Check[]).filter(({ result }) => result !== 'not_reached').at(-1);
  return { check: last?.check, result: last?.result, text: last?.text, event: body.event, advice: body.advice };
}

test('a live token under a shared secret passes every check, by the row that the server left', async () => {
  const { access_token: token } = await signIn();
  const { body } = await admin.post('/explain', { credential: token });
  const names = ['resource', 'type', 'secret', 'signature', 'issuer', 'claims', 'known'];
  const life = ['audience', 'time', 'token', 'client', 'account', 'session', 'family'];
  expect(body.checks.map(({ check, result }: Check) => [check, result])).toEqual(
    [...names, ...life].map((check) => [check, 'passed']),
  );
  expect(body.advice).toMatch(/^The token is live, for https:\/\/shared\.example only\..* --id fam_\w+\.$/);
});

test('RFC 8725 §2.1: what an API makes itself is told for what it is', async () => {
  const good = claimsOf((await signIn()).access_token);
  const forged = await explained(await forge({ ...good, jti: 'tok_00000000000000000000000000' }));
  expect(forged).toMatchObject({
    check: 'known',
    result: 'failed',
    text: expect.stringContaining('Whoever has the secret can make such a token.'),
    advice: expect.stringContaining('rotate-shared-secret --revoke-others'),
  });
  const longer = await explained(await forge({ ...good, exp: good.exp + 999_999 }));
  expect(longer.check).toBe('family');
  clock.advance(300_000);
  admin = await addAdministrator(world.at);
  expect(await explained(await forge({ ...good, exp: good.exp + 999_999 }))).toMatchObject({ check: 'time' });
});

test('each check that can fail, where it fails', async () => {
  const { access_token: token = '' } = await signIn();
  const good = claimsOf(token);
  const other = await admin.post('/resources', { identifier: 'https://other.example', name: 'O', algorithm: 'HS256' });
  const cases = [
    ['resource', await forge({ ...good, aud: 'https://nowhere.example' })],
    ['resource', await forge({ ...good, aud: 7 })],
    ['type', await forge(good, { typ: 'logout+jwt' })],
    ['secret', await forge(good, { kid: 'other' })],
    ['secret', await forge({ ...good, aud: other.body.audience })],
    ['signature', `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`],
    ['issuer', await forge({ ...good, iss: 'https://elsewhere.example' })],
    ['claims', await forge({ ...good, client_id: 7 })],
    ['claims', await forge({ ...good, iat: 'now' })],
    ['known', await forge({ ...good, jti: 'x' })],
  ] as const;
  const found = [];
  for (const [, text] of cases) found.push((await explained(text)).check);
  expect(found).toEqual(cases.map(([check]) => check));
});

test('one whose session ended, and one that was revoked by itself', async () => {
  const [first, second] = [await signIn(), await signIn()];
  await world.at.fetch('/api/logout', jsonBody({ refresh_token: first.refresh_token }));
  expect(await explained(first.access_token)).toMatchObject({
    check: 'session',
    event: { why: 'The person logged out.' },
  });
  await admin.post('/tokens/revoke', { id: claimsOf(second.access_token).jti });
  expect(await explained(second.access_token)).toMatchObject({
    check: 'known',
    text: 'No row of it is kept: it was revoked.',
    event: { what: 'token.revoked', by: `client ${admin.clientId} (Test client)` },
  });
});

test('a rotation leaves it live; a secret that was revoked says when and by whom', async () => {
  const { access_token: token } = await signIn();
  await admin.post(`/resources/${api.id}/shared-secrets`, { delay_seconds: 0 });
  expect(await explained(token)).toMatchObject({ check: 'family', result: 'passed' });
  clock.advance(1_000);
  await admin.post(`/resources/${api.id}/shared-secrets`, { revoke_others: true });
  const when = new Date(clock.now()).toISOString();
  expect(await explained(token)).toMatchObject({
    check: 'secret',
    text: `The secret ${api.shared_secret.kid} that signed it was revoked.`,
    event: {
      what: 'resource.shared_secret_rotated',
      when,
      by: `client ${admin.clientId} (Test client)`,
      why: 'The secret was revoked, and with it every token under it.',
    },
  });
});

test('a secret that was only replaced, and is over, was not revoked', async () => {
  const own = (await admin.post('/resources', { identifier: 'https://own.example', name: 'Own', algorithm: 'HS256' }))
    .body;
  const { kid, secret } = own.shared_secret;
  const token = await new SignJWT({ aud: 'https://own.example', iat: 1 })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
    .sign(Buffer.from(secret, 'base64url'));
  await admin.post(`/resources/${own.id}/shared-secrets`, { delay_seconds: 0 });
  clock.advance(DURATIONS.eventRetention * 1000);
  admin = await addAdministrator(world.at);
  expect(await explained(token)).toMatchObject({
    check: 'secret',
    text: `No secret ${kid} is shared with https://own.example now.`,
    event: undefined,
  });
});

test('no secret and no token is repeated', async () => {
  const { access_token: token = '' } = await signIn();
  const text = JSON.stringify((await admin.post('/explain', { credential: token })).body);
  expect([text.includes(api.shared_secret.secret), text.includes(token.split('.')[2] ?? '')]).toEqual([false, false]);
});
