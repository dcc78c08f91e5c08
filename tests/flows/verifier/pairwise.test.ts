import type { Client } from '@latchkey/domain/clients/client';
import { allow } from '@latchkey/domain/decision';
import { makeId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { type AccountId, later } from '@latchkey/protocol/types';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  createPageBrowser,
  goThrough,
  hiddenIn,
  makePkce,
  type PageBrowser,
  redeem,
  requestOf,
} from '@latchkey/testkit/code-flow';
import * as row from '@latchkey/testkit/conformance/rows';
import { addAccount, PASSWORD } from '@latchkey/testkit/people';
import { jsonBody, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { type ApiWorld, partsOf, startApi, untilRefused } from './api.ts';

const NEXT_PASSWORD = 'another passphrase that nobody guesses';
let world: ApiWorld;
let admin: TestAdministrator;
let client: WithSecret<Client>;
let own: WithSecret<Client>;
let visitors = 0;
let people = 0;
beforeAll(async () => {
  world = await startApi();
  admin = await addAdministrator(world.at);
  client = await addRelyingParty(world, { sector: 'rp.example' });
  own = await addRelyingParty(world, { firstParty: true, authentication: 'none' });
});
afterAll(() => world.close());

const newAddress = () => `198.51.100.${++visitors % 250}`;

interface SignedIn {
  readonly name: string;
  readonly accountId: AccountId;
  readonly browser: PageBrowser;
  readonly access: string;
  readonly refresh: string;
  readonly idToken: string;
  readonly sessionId: string;
}

async function tokensOf(name: string, browser: PageBrowser, of = client, more: Readonly<Record<string, string>> = {}) {
  const { verifier, challenge } = makePkce();
  const path = authorizePath(requestOf(of.row, challenge, { scope: 'openid read', ...more }));
  const code = String(answerIn(await goThrough(browser, await browser.get(path), { username: name })).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, of, { code, code_verifier: verifier });
  return { access: String(body.access_token), refresh: String(body.refresh_token), idToken: String(body.id_token) };
}

/** Somebody new, signed in to the client with pairwise subjects. */
async function signIn(more: Readonly<Record<string, string>> = {}): Promise<SignedIn> {
  const name = `person-${++people}`;
  const accountId = await addAccount(world.at.server, name);
  const browser = createPageBrowser(world.at, newAddress());
  const tokens = await tokensOf(name, browser, client, more);
  const { read } = world.at.server.store;
  const [session] = await read.liveSessions(accountId, world.at.server.now());
  return { name, accountId, browser, sessionId: session?.id ?? '', ...tokens };
}

async function bearerOf(name: string) {
  const asked = { username: name, password: PASSWORD, client_id: world.clientId, resource: world.at.issuer };
  const { body } = await world.post('/api/login', asked, {}, newAddress());
  return { authorization: `Bearer ${body.access_token}` };
}
const change = async (name: string, method: string, path: string, body?: object) => {
  const headers = await bearerOf(name);
  const init = body === undefined ? { headers } : jsonBody(body, headers);
  return (await world.at.fetch(path, { ...init, method })).status;
};
/** As many sessions as an account may have, younger than the one that there is. */
const fillSessions = ({ accountId }: SignedIn) =>
  world.at.server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(
        undefined,
        Array.from({ length: LIMITS.sessionsPerAccountMax - 1 }, (__, n) => ({
          kind: 'session.start' as const,
          session: {
            ...row.session(n),
            id: makeId('ses', later(now, 1_000), world.at.server.entropy(10)),
            accountId,
            createdAt: now,
            expiresAt: later(now, 60_000),
          },
        })),
      ),
  );

const isAccepted = async (token: string) => (await world.verifier.verify(token)).ok;
const passwords = { current_password: PASSWORD, new_password: NEXT_PASSWORD };

/** Every way in which a session, or an account as a whole, comes to an end, and how the answer to it looks. */
const ENDS: Readonly<Record<string, (who: SignedIn) => Promise<number>>> = {
  'a logout in the browser': async ({ browser, idToken }) =>
    (await browser.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: idToken })}`)).status,
  'a logout at the first-party API': async ({ name, browser }) => {
    const { refresh } = await tokensOf(name, browser, own);
    return (await world.at.fetch('/api/logout', jsonBody({ refresh_token: refresh }))).status;
  },
  'the end of the session by its owner': ({ name, sessionId }) => change(name, 'DELETE', `/api/sessions/${sessionId}`),
  'the end of all sessions': ({ name }) => change(name, 'DELETE', '/api/sessions'),
  'the end of all sessions on the account pages': async ({ browser }) =>
    (await browser.submit(await browser.get('/account/sessions'), { end: 'all' })).status,
  'a logout on the account pages': async ({ browser }) => {
    const page = await browser.get('/account');
    return (await browser.post('/account/sign-out', hiddenIn(page.text))).status;
  },
  'the end of the session by an administrator': async ({ sessionId }) =>
    (await admin.delete(`/sessions/${sessionId}`)).status,
  'a change of the password': ({ name }) => change(name, 'POST', '/api/password', passwords),
  'a password that an administrator sets': async ({ accountId }) =>
    (await admin.post(`/accounts/${accountId}/password`, { password: NEXT_PASSWORD })).status,
  'an account that is disabled': async ({ accountId }) => (await admin.post(`/accounts/${accountId}/disable`)).status,
  'somebody else who signs in there': async ({ browser }) => {
    await tokensOf('alice', browser, client, { prompt: 'login' });
    return 200;
  },
  'one session too many on the pages': async (who) => {
    await fillSessions(who);
    await tokensOf(who.name, createPageBrowser(world.at, newAddress()));
    return 200;
  },
  'one session too many at the first-party API': async (who) => {
    await fillSessions(who);
    await bearerOf(who.name);
    return 200;
  },
};

describe('OIDC-03 I1: tokens that say neither account nor session are refused by verifiers after', () => {
  test.each(Object.entries(ENDS))('%s', { timeout: 20_000 }, async (_, end) => {
    const [mine, other] = [await signIn(), await signIn()];
    const { claims } = partsOf(mine.access);
    expect([claims.sid, claims.sub.startsWith('acc_')]).toEqual([undefined, false]);
    expect([await isAccepted(mine.access), await isAccepted(other.access)]).toEqual([true, true]);
    expect(await end(mine)).toBeLessThan(304);
    expect(await untilRefused(world.verifier, mine.access)).toEqual({ ok: false, error: 'token_revoked' });
    expect(await isAccepted(other.access)).toBe(true);
    const left = await world.at.server.store.read.pairwiseFamilies(mine.accountId);
    expect(left.filter(({ beganIn }) => beganIn === mine.sessionId)).toEqual([]);
  });

  test.each([
    'the end of all sessions',
    'a change of the password',
    'a password that an administrator sets',
    'an account that is disabled',
  ])('%s, with offline access too', async (name) => {
    const mine = await signIn({ scope: 'openid read offline_access', prompt: 'consent' });
    expect(await isAccepted(mine.access)).toBe(true);
    expect(await ENDS[name]?.(mine)).toBeLessThan(304);
    expect(await untilRefused(world.verifier, mine.access)).toEqual({ ok: false, error: 'token_revoked' });
  });

  test('a change of the password in this very session goes on, as for every client', async () => {
    const mine = await signIn();
    const { refresh } = await tokensOf(mine.name, mine.browser, own, { resource: world.at.issuer, scope: 'openid' });
    const answer = await world.at.fetch('/api/refresh', jsonBody({ refresh_token: refresh }));
    const { access_token: token } = await answer.json();
    const headers = { authorization: `Bearer ${token}` };
    expect((await world.at.fetch('/api/password', jsonBody(passwords, headers))).status).toBe(204);
    expect(await isAccepted(mine.access)).toBe(true);
  });

  test('the server itself knows, without any feed: introspection and UserInfo', async () => {
    const mine = await signIn();
    const { access: forIssuer } = await tokensOf(mine.name, mine.browser, client, {
      resource: world.at.issuer,
      scope: 'openid',
    });
    const userinfo = () => world.get('/oauth/userinfo', { authorization: `Bearer ${forIssuer}` });
    expect((await userinfo()).body).toEqual({ sub: partsOf(mine.access).claims.sub });
    await admin.post(`/accounts/${mine.accountId}/disable`);
    expect((await userinfo()).status).toBe(401);
    await admin.post(`/accounts/${mine.accountId}/enable`);
    expect((await userinfo()).status).toBe(401);
  });
});
