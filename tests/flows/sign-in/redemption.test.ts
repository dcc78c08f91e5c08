import type { Client } from '@latchkey/domain/clients/client';
import { allow } from '@latchkey/domain/decision';
import { endAllWrites } from '@latchkey/domain/login/end-sessions';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  CALLBACK,
  codeFlow,
  createPageBrowser,
  goThrough,
  makePkce,
  redeem,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { populate, read, type World } from '@latchkey/testkit/people';
import { addResource, form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalOf, refusedAs } from '../refusal.ts';

const clock = testClock();
let world: World;
let client: WithSecret<Client>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  client = await addRelyingParty(world);
});
afterAll(() => world.at.close());

let visitors = 0;
type Obtained = Readonly<Record<'code' | 'code_verifier', string>>;
async function obtain(more: Readonly<Record<string, string | undefined>> = {}, of = client): Promise<Obtained> {
  const browser = createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);
  const { verifier, challenge } = makePkce();
  const answer = await goThrough(browser, await browser.get(authorizePath(requestOf(of.row, challenge, more))));
  const code = String(answerIn(answer).get('code'));
  world.at.secrets.add('authorization code', code);
  return { code, code_verifier: verifier };
}

const refresh = async (token: unknown, of = client) =>
  read(
    await world.at.fetch(
      '/oauth/token',
      form({ grant_type: 'refresh_token', refresh_token: String(token) }, { authorization: of.basic }),
    ),
  );
const introspect = async (token: unknown) =>
  (
    await read(
      await world.at.fetch('/oauth/introspect', form({ token: String(token) }, { authorization: world.api.basic })),
    )
  ).body;

test('CODE-02 OAuth 2.1: a second valid redemption ends the family of the first, refresh and access token', async () => {
  const asked = await obtain({ scope: 'openid read' });
  const other = await redeem(world, client, await obtain({ scope: 'openid read' }));
  const first = await redeem(world, client, asked);
  expect([first.status, (await introspect(first.body.access_token)).active]).toEqual([200, true]);
  const second = await redeem(world, client, asked);
  expect([second.status, second.body.error]).toEqual([400, 'invalid_grant']);
  expect((await refresh(first.body.refresh_token)).body.error).toBe('invalid_grant');
  expect((await introspect(first.body.access_token)).active).toBe(false);
  expect((await introspect(other.body.access_token)).active).toBe(true);
  expect((await refresh(other.body.refresh_token)).status).toBe(200);
});

test.each<[string, Readonly<Record<string, string>>]>([
  ['with another verifier', { code_verifier: 'x'.repeat(43) }],
  ['with another redirect URI', { redirect_uri: 'https://rp.example/other' }],
])('CODE-03 OAuth 2.1: a replay %s ends nothing', async (_, wrong) => {
  const asked = await obtain({ scope: 'openid read' });
  const first = await redeem(world, client, asked);
  expect((await redeem(world, client, { ...asked, ...wrong })).body.error).toBe('invalid_grant');
  expect((await introspect(first.body.access_token)).active).toBe(true);
});

test('CODE-01 RFC 6749 §4.1.2: of twenty redemptions at once one succeeds, and then falls with the replays', async () => {
  const asked = await obtain({ scope: 'openid read' });
  const all = await Promise.all(Array.from({ length: 20 }, () => redeem(world, client, asked)));
  const won = all.filter(({ status }) => status === 200);
  expect(won).toHaveLength(1);
  expect(new Set(all.filter(({ status }) => status !== 200).map(({ body }) => body.error))).toEqual(
    new Set(['invalid_grant']),
  );
  expect((await introspect(won[0]?.body.access_token)).active).toBe(false);
});

test('CODE-04: after three wrong verifiers even the right one is of no more use', async () => {
  const asked = await obtain();
  for (let tries = 0; tries < 3; tries++)
    expect((await redeem(world, client, { ...asked, code_verifier: 'y'.repeat(43) })).body.error).toBe('invalid_grant');
  expect((await redeem(world, client, asked)).body.error).toBe('invalid_grant');
});

test.each<[number, number]>([
  [59_999, 200],
  [60_000, 400],
])(
  'CODE-05, NUM-01 RFC 6749 §5.2: %i ms after it was issued, a code is answered with %i',
  async (milliseconds, status) => {
    const asked = await obtain();
    clock.advance(milliseconds);
    expect((await redeem(world, client, asked)).status).toBe(status);
  },
);

test('CODE-06, CAU-15 RFC 6749 §4.1.3: a code is for its client', async () => {
  const other = await addRelyingParty(world);
  const asked = await obtain();
  expect((await redeem(world, other, asked)).body.error).toBe('invalid_grant');
  expect((await redeem(world, client, asked)).status).toBe(200);
});

test('PKCE-07 RFC 7636 §4.4: codes of two flows do not go with each other’s verifier', async () => {
  const [a, b] = [await obtain(), await obtain()];
  expect((await redeem(world, client, { code: a.code, code_verifier: b.code_verifier })).body.error).toBe(
    'invalid_grant',
  );
});

test.each<[string, string, string]>([
  ['PKCE-04 RFC 7636 §4.1: a verifier of 42 characters', 'x'.repeat(42), 'invalid_request'],
  ['PKCE-04 RFC 7636 §4.1: a verifier of 129 characters', 'x'.repeat(129), 'invalid_request'],
  ['PKCE-04 RFC 7636 §4.1: a verifier with a space', `${'x'.repeat(43)} `, 'invalid_request'],
  ['PKCE-05 OAuth 2.1: no verifier', '', 'invalid_grant'],
])('%s', async (_, code_verifier, error) => {
  expect((await redeem(world, client, { ...(await obtain()), code_verifier })).body.error).toBe(error);
});

test('PKCE-06 RFC 9700 §4.8.2: a verifier where there was no challenge', async () => {
  const exempted = await addRelyingParty(world, { requiresPkce: false });
  const none = { code_challenge: undefined, code_challenge_method: undefined };
  const { code } = await obtain(none, exempted);
  expect((await redeem(world, exempted, { code, code_verifier: 'x'.repeat(43) })).body.error).toBe('invalid_request');
  const again = await obtain(none, exempted);
  expect((await redeem(world, exempted, { code: again.code })).status).toBe(200);
});

test('RED-09 OAuth 2.1: the redirect URI may be left out with PKCE, and must not be another', async () => {
  const { code, code_verifier } = await obtain();
  expect((await redeem(world, client, { code, code_verifier, redirect_uri: '' })).status).toBe(200);
});

test('CODE-10 RFC 6749 §5.2: a client without the grant', async () => {
  const machine = await addRelyingParty(world, { grantTypes: ['client_credentials'] });
  expect((await redeem(world, machine, { code: 'x' })).body.error).toBe('unauthorized_client');
  expect((await redeem(world, client, { code: 'lk_ac_unknown' })).body.error).toBe('invalid_grant');
  expect((await redeem(world, client, { code: '' })).body.error).toBe('invalid_request');
});

test('RES-03 RFC 8707 §2.2: a token is for the one resource that is asked for, of those that were allowed', async () => {
  const second = await addResource(world.at.server);
  const wide = await addRelyingParty(world, { resources: [world.api.row.identifier, second.row.identifier] });
  const asked = await obtain({ scope: 'read', resource: second.row.identifier }, wide);
  const wrong = await redeem(world, wide, { ...asked, resource: world.api.row.identifier });
  expect(wrong.body.error).toBe('invalid_target');
  const tokens = await redeem(world, wide, { ...asked, resource: second.row.identifier });
  expect(
    JSON.parse(Buffer.from(String(tokens.body.access_token).split('.')[1] ?? '', 'base64url').toString()).aud,
  ).toBe(second.row.identifier);
});

test('OIDC-01 OIDC Core §3.1.2.1: without openid there is no ID token, and UserInfo is not for its tokens', async () => {
  const tokens = await codeFlow(world, client, { scope: 'read' });
  expect([tokens.body.id_token, tokens.body.scope]).toEqual([undefined, 'read']);
  const answer = await world.get('/oauth/userinfo', { authorization: `Bearer ${tokens.body.access_token}` });
  expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
});

test('OIDC-08 OIDC Core §11: offline_access counts only where the person is asked, and then outlives the session', async () => {
  const without = await redeem(world, client, await obtain({ scope: 'openid offline_access' }));
  expect(without.body.scope).toBe('openid');
  const offline = await redeem(world, client, await obtain({ scope: 'openid offline_access', prompt: 'consent' }));
  expect(offline.body.scope).toBe('openid offline_access');
  const { now } = await world.at.server.store.read.moment();
  const families = await world.at.server.store.read.offlineFamilies(world.accountId, now);
  expect(families).toHaveLength(1);
  expect((await refresh(offline.body.refresh_token)).status).toBe(200);
});

test('OIDC Core §12.2: a refresh brings a new ID token of the same person, session and time, without a nonce', async () => {
  const tokens = await redeem(world, client, await obtain());
  const claims = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
  clock.advance(5_000);
  const again = await refresh(tokens.body.refresh_token);
  const [before, after] = [claims(tokens.body.id_token), claims(again.body.id_token)];
  const { nonce: _, at_hash: __, iat, exp, ...same } = before;
  expect(after).toMatchObject(same);
  expect([after.iat, after.exp, 'nonce' in after]).toEqual([iat + 5, exp + 5, false]);
});

test.each(['RS256', 'PS256', 'ES256', 'Ed25519'] as const)(
  'OIDC-11 OIDC Core §3.1.3.7: an ID token under %s',
  async (idTokenAlgorithm) => {
    const signed = await addRelyingParty(world, { idTokenAlgorithm, hasScopeClaimsInIdToken: true });
    const { rotateRing } = await import('@latchkey/server/keys/rotate');
    await rotateRing(world.at.server, idTokenAlgorithm, { action: 'keep' }, 'server');
    const tokens = await redeem(world, signed, await obtain({ scope: 'openid profile' }, signed));
    const [header = '', payload = ''] = String(tokens.body.id_token).split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({
      alg: idTokenAlgorithm,
      typ: 'JWT',
    });
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ preferred_username: 'alice' });
  },
);

test('attack 8.33: a token of somebody else’s client does not look after the account, whatever its audience', async () => {
  const tokens = await codeFlow(world, client, { scope: 'openid' });
  const headers = { authorization: `Bearer ${tokens.body.access_token}` };
  for (const path of ['/api/me', '/api/sessions'])
    expect(await refusalOf(world.at, await world.at.fetch(path, { headers }))).toEqual(
      refusedAs('token_of_other_party'),
    );
  const ended = await world.at.fetch('/api/sessions', { method: 'DELETE', headers });
  expect(ended.status).toBe(403);
});

test('OIDC-09 OIDC Core §5.3: UserInfo by GET, by POST, and with the token in the form', async () => {
  const tokens = await codeFlow(world, client, { scope: 'openid email profile' });
  const authorization = `Bearer ${tokens.body.access_token}`;
  const seen = [
    await world.at.fetch('/oauth/userinfo', { headers: { authorization } }),
    await world.at.fetch('/oauth/userinfo', { method: 'POST', headers: { authorization } }),
    await world.at.fetch('/oauth/userinfo', form({ access_token: String(tokens.body.access_token) })),
  ];
  for (const answer of seen)
    expect([answer.status, await answer.json()]).toEqual([200, { sub: world.accountId, preferred_username: 'alice' }]);
  expect((await world.get('/oauth/userinfo', {})).status).toBe(401);
  expect((await world.get('/oauth/userinfo', { authorization: 'Bearer x' })).body.error).toBe('invalid_token');
  const login = await world.login({ resource: world.at.issuer });
  const first = await world.get('/oauth/userinfo', { authorization: `Bearer ${login.body.access_token}` });
  expect([first.status, first.body.error]).toEqual([403, 'insufficient_scope']);
});

test('SES-03 ASVS 7.4.1: a session that ended takes its codes and its browser with it', async () => {
  const browser = createPageBrowser(world.at);
  const { verifier, challenge } = makePkce();
  const answer = await goThrough(browser, await browser.get(authorizePath(requestOf(client.row, challenge))));
  const { now } = await world.at.server.store.read.moment();
  const sessions = await world.at.server.store.read.liveSessions(world.accountId, now);
  await world.at.server.commit(
    () => Promise.resolve(),
    () =>
      allow(
        undefined,
        endAllWrites({ sessions, offline: [], pairwise: [] }, { reason: 'logout', by: 'server', at: now }),
      ),
  );
  const fields = { code: String(answerIn(answer).get('code')), code_verifier: verifier, redirect_uri: CALLBACK };
  expect((await redeem(world, client, fields)).body.error).toBe('invalid_grant');
  const silent = await browser.get(authorizePath(requestOf(client.row, challenge, { prompt: 'none' })));
  expect(answerIn(silent).get('error')).toBe('login_required');
});
