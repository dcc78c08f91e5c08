import { createHmac } from 'node:crypto';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdminAnswer, addAdministrator, type TestAdministrator } from './administrator.ts';

let world: World;
let admin: TestAdministrator;
let clock: ReturnType<typeof testClock>;
beforeEach(async () => {
  clock = testClock();
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
});
afterEach(() => world.at.close());

const tokens = async () => (await world.login()).body as Record<'access_token' | 'refresh_token', string>;
const refresh = (token: string) => world.post('/api/refresh', { refresh_token: token });
const explain = (credential: string) => admin.post('/explain', { credential });

interface Seen {
  readonly check: string;
  readonly result: string;
  readonly text: string;
}
const failedIn = ({ body }: AdminAnswer): Seen => body.checks.find(({ result }: Seen) => result === 'failed');
const resultsIn = ({ body }: AdminAnswer) => body.checks.map(({ result }: Seen) => result);

test('a live access token passes every check, and the advice is to revoke it', async () => {
  const { access_token: access } = await tokens();
  const answer = await explain(access);
  expect([answer.status, answer.body.kind]).toEqual([200, 'an access token (JWT)']);
  expect(answer.body.checks.map(({ check }: Seen) => check)).toEqual([
    'form',
    'type',
    'key',
    'signature',
    'issuer',
    'audience',
    'claims',
    'time',
    'token',
    'client',
    'account',
    'session',
    'family',
  ]);
  expect(new Set(resultsIn(answer))).toEqual(new Set(['passed']));
  expect(answer.body.advice).toContain('latchkey token revoke --id fam_');
});

test('a machine token passes too, and belongs to no account', async () => {
  const answer = await explain(admin.token);
  expect(new Set(resultsIn(answer))).toEqual(new Set(['passed']));
  expect(answer.body.advice).toContain('latchkey token revoke --id tok_');
});

test('an access token pasted with its scheme and a newline is understood', async () => {
  const { access_token: access } = await tokens();
  expect((await explain(`Bearer ${access}\n`)).body.kind).toBe('an access token (JWT)');
});

/** The token with other header or claims, and a signature that does not fit. */
function changed(token: string, header: object, claims: object): string {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const with_ = (part: string, more: object) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(part, 'base64url').toString()), ...more })).toString(
      'base64url',
    );
  return `${with_(head, header)}.${with_(payload, claims)}.${signature}`;
}

test.each([
  ['no JWT', (): string => 'a.b.c', 'form', 'is not a compact JWS'],
  ['a crit header', (token: string) => changed(token, { crit: ['x'] }, {}), 'form', 'demands an extension'],
  ['another type', (token: string) => changed(token, { typ: 'logout+jwt' }, {}), 'type', 'logout+jwt'],
  ['an unknown key', (token: string) => changed(token, { kid: 'other' }, {}), 'key', 'names the key other'],
  ['the none algorithm', (token: string) => changed(token, { alg: 'none' }, {}), 'key', 'algorithm'],
  ['changed claims', (token: string) => changed(token, {}, { sub: 'me' }), 'signature', 'does not fit'],
  ['one character too many', (token: string) => `${token}${'A'.repeat(16_384)}`, 'form', 'longer than'],
])('an access token with %s fails where the decoder fails', async (_, make, check, text) => {
  const answer = await explain(make((await tokens()).access_token));
  expect([answer.status, failedIn(answer)]).toEqual([
    200,
    { check, result: 'failed', text: expect.stringContaining(text) },
  ]);
  expect(
    resultsIn(answer)
      .slice(resultsIn(answer).indexOf('failed') + 1)
      .every((result: string) => result === 'not_reached'),
  ).toBe(true);
});

test('an access token of another issuer is told by what it says of itself', async () => {
  const answer = await explain(
    changed((await tokens()).access_token, { kid: 'theirs' }, { iss: 'https://other.example' }),
  );
  expect(failedIn(answer).text).toContain('https://other.example');
});

test('an expired access token: the leeway counts, and the text says when it was', async () => {
  const { access_token: access } = await tokens();
  clock.advance(329_999);
  admin = await addAdministrator(world.at);
  expect(failedIn(await explain(access))).toBeUndefined();
  clock.advance(1);
  expect(failedIn(await explain(access))).toEqual({
    check: 'time',
    result: 'failed',
    text: expect.stringMatching(/has expired\. It was valid until .* \(30 seconds ago\)\.$/),
  });
});

test('an access token whose key was revoked: the event says by whom', async () => {
  const { access_token: access } = await tokens();
  const { kid } = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString());
  await admin.post(`/keys/${kid}/revoke`);
  const by = admin.clientId;
  admin = await addAdministrator(world.at);
  const answer = await explain(access);
  expect(failedIn(answer)).toMatchObject({ check: 'key', text: expect.stringContaining('was revoked') });
  expect(answer.body.event).toEqual({
    what: 'key.revoked',
    when: expect.stringMatching(/Z$/),
    by: `client ${by} (Test client)`,
    why: expect.any(String),
  });
});

test.each([
  ['revoked by itself', 'token', () => (access: string) => admin.post('/tokens/revoke', { credential: access })],
  ['of a disabled account', 'account', () => () => admin.post(`/accounts/${world.accountId}/disable`)],
  ['of a deleted client', 'client', () => () => admin.delete(`/clients/${world.clientId}`)],
])('an access token %s says what happened, when and by whom', async (_, check, ending) => {
  const { access_token: access } = await tokens();
  await ending()(access);
  const answer = await explain(access);
  expect(failedIn(answer).check).toBe(check);
  expect(answer.body.event).toMatchObject({ by: `client ${admin.clientId} (Test client)` });
});

test('a refresh token, from live to superseded to stolen: only the last has changed anything', async () => {
  const { refresh_token: first, access_token: access } = await tokens();
  const live = await explain(first);
  expect(new Set(resultsIn(live))).toEqual(new Set(['passed']));
  expect(live.body.advice).toContain('generation 0');
  expect(JSON.stringify(live.body)).not.toContain('lk_rt_');

  clock.advance(1_000);
  const second = String((await refresh(first)).body.refresh_token);
  const superseded = await explain(first);
  expect(failedIn(superseded)).toEqual({
    check: 'generation',
    result: 'failed',
    text: expect.stringMatching(/^It is generation 0; it was superseded at .*, and 1 is current now\.$/),
  });
  expect((await refresh(second)).status).toBe(200); // asking has not ended the family

  expect((await refresh(first)).status).toBe(400);
  for (const credential of [first, second, access]) {
    const answer = await explain(credential);
    expect(failedIn(answer).check).toBe('family');
    expect(answer.body.event).toEqual({
      what: 'the token family ended',
      when: expect.stringMatching(/Z$/),
      by: `client ${world.clientId} (Test client)`,
      why: expect.stringContaining('Generation 0 was presented, when 2 was current.'),
    });
  }
});

test('a refresh token within its overlap may be repeated, and the text says until when', async () => {
  const { refresh_token: first } = await tokens();
  await world.post('/api/refresh', { refresh_token: first, attempt_id: 'attempt-of-the-client-1' });
  const answer = await explain(first);
  expect(failedIn(answer)).toBeUndefined();
  expect(answer.body.checks.at(-1).text).toContain('with the attempt id of its refresh');
});

test('a refresh token that lay unused for too long', async () => {
  const { refresh_token: token } = await tokens();
  clock.advance(14 * 86_400_000);
  admin = await addAdministrator(world.at);
  expect(failedIn(await explain(token)).check).toBe('idle');
});

test('a refresh token after a logout says so', async () => {
  const { refresh_token: token } = await tokens();
  await world.post('/api/logout', { refresh_token: token });
  const answer = await explain(token);
  expect(failedIn(answer).check).toBe('session');
  expect(answer.body.event).toMatchObject({ why: 'The person logged out.', by: `account ${world.accountId} (alice)` });
});

test('a damaged, a made-up and a foreign refresh token', async () => {
  const { refresh_token: token } = await tokens();
  expect(failedIn(await explain(token.slice(0, -1))).check).toBe('form');
  const flipped = token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBA' : 'AAAA');
  expect(failedIn(await explain(flipped)).check).toBe('outer_mac');
  const bytes = Buffer.from(token.slice('lk_rt_'.length), 'base64url');
  bytes.writeUInt32BE(77, 1);
  const foreign = `lk_rt_${bytes.toString('base64url')}`;
  expect(failedIn(await explain(foreign))).toMatchObject({ check: 'mac_key', text: expect.stringContaining('77') });
});

test('a refresh token that was forged with the MAC key alone is told as a forgery', async () => {
  const { refresh_token: token } = await tokens();
  const { catalogue } = await world.at.server.store.read.moment();
  const { macKey } = await world.at.server.keys.at(catalogue);
  const bytes = Buffer.from(token.slice('lk_rt_'.length), 'base64url');
  bytes[30] = (bytes[30] ?? 0) ^ 1; // in the inner MAC
  createHmac('sha256', macKey.key).update(bytes.subarray(0, 43)).digest().copy(bytes, 43, 0, 16);
  const answer = await explain(`lk_rt_${bytes.toString('base64url')}`);
  expect([failedIn(answer).check, answer.body.advice]).toEqual(['inner_mac', expect.stringContaining('forged')]);
});

test('a refresh token under a revoked MAC key', async () => {
  const { refresh_token: token } = await tokens();
  await admin.post('/mac-keys/1/revoke');
  const answer = await explain(token);
  expect([failedIn(answer).check, answer.body.event.what]).toEqual(['mac_key', 'mac_key.revoked']);
});

test.each([
  ['lk_cs_', 'the secret of a client'],
  ['lk_rs_', 'the secret of a resource server'],
])('whether a secret %s… is good is not told', async (prefix, kind) => {
  const good = prefix === 'lk_rs_' ? world.api.secret : `${prefix}${'A'.repeat(43)}`;
  const [one, other] = [await explain(good), await explain(`${prefix}${'B'.repeat(43)}`)];
  expect([one.body.kind, one.body]).toEqual([kind, other.body]);
});

test('something else is nothing that the server knows', async () => {
  expect((await explain('hello')).body.kind).toBe('nothing that this server knows');
});

test('an error id leads to the refusal, what it was about, and the event behind it', async () => {
  const { refresh_token: token } = await tokens();
  await world.post('/api/logout', { refresh_token: token });
  const { error_id: id } = (await refresh(token)).body;
  const answer = await admin.post('/explain', { error_id: id });
  expect(answer.body.checks).toEqual([
    { check: 'known', result: 'passed', text: expect.stringContaining('POST /api/refresh') },
    { check: 'about', result: 'passed', text: expect.stringContaining('family fam_') },
    { check: 'refresh_token_ended', result: 'failed', text: 'The refresh token has ended.' },
  ]);
  expect(answer.body.event).toMatchObject({ what: 'the session ended', why: 'The person logged out.' });
});

test('an error id that is no longer kept, and one of a process that is not known', async () => {
  const { name } = world.at.server.refusals;
  const old = await admin.post('/explain', { error_id: `${name}-0` });
  expect(failedIn(old).text).toContain('no longer keeps');
  const foreign = await admin.post('/explain', { error_id: 'shop-api-a1' });
  expect([failedIn(foreign).text, foreign.body.advice]).toEqual([
    expect.stringContaining('shop-api'),
    expect.stringContaining('log of shop-api'),
  ]);
});

test('explaining writes nothing, and no credential reaches the log', async () => {
  const { refresh_token: token, access_token: access } = await tokens();
  await refresh(token);
  const moment = await world.at.server.store.read.moment();
  const audit = await world.at.server.store.read.audit(undefined, 100);
  for (const credential of [token, access, 'hello', `${token}x`]) await explain(credential);
  expect(await world.at.server.store.read.moment()).toEqual(moment);
  expect(await world.at.server.store.read.audit(undefined, 100)).toEqual(audit);
  const log = world.at.logged.join('\n');
  for (const secret of [token, access, admin.token]) expect(log).not.toContain(secret);
});

test('an administrator asks thirty times at once; one more has to wait, another administrator has not', async () => {
  const answers: number[] = [];
  for (let n = 0; n < 31; n++) answers.push((await explain('hello')).status);
  expect([new Set(answers.slice(0, 30)), answers[30]]).toEqual([new Set([200]), 429]);
  const other = await addAdministrator(world.at);
  expect((await other.post('/explain', { credential: 'hello' })).status).toBe(200);
});

test.each([[{}], [{ credential: 'x', error_id: 'y-1' }], [{ credential: '' }], [{ credential: 'x'.repeat(32_769) }]])(
  'a question of another shape is refused',
  async (body) => {
    expect((await admin.post('/explain', body)).status).toBe(422);
  },
);
