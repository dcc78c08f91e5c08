import type { Client } from '@latchkey/domain/clients/client';
import { explainCredential } from '@latchkey/server/explain/explain';
import { testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  answerIn,
  authorizePath,
  createPageBrowser,
  goThrough,
  makePkce,
  type PageBrowser,
  redeem,
  requestOf,
} from '@latchkey/testkit/code-flow';
import { type LogoutReceiver, startLogoutReceiver } from '@latchkey/testkit/logout-receiver';
import { addAccount, populate, read, type World } from '@latchkey/testkit/people';
import { form, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { decodeJwt, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const clock = testClock();
const AFTER = 'https://rp.example/after';
let receiver: LogoutReceiver;
let world: World;
/** Two clients of one sector, one of another, and one that knows people by their account. */
let a1: WithSecret<Client>;
let a2: WithSecret<Client>;
let b: WithSecret<Client>;
let open: WithSecret<Client>;
beforeAll(async () => {
  receiver = await startLogoutReceiver();
  world = await populate(await startTestServer({ now: clock.now, settings: { fetchAllow: receiver.origin } }));
  await addAccount(world.at.server, 'bob');
  const add = (path: string, sector: string | undefined) =>
    addRelyingParty(world, {
      sector,
      backchannelLogoutUri: receiver.origin + path,
      postLogoutRedirectUris: [AFTER],
    });
  a1 = await add('/a1', 'a.example');
  a2 = await add('/a2', 'a.example');
  b = await add('/b', 'b.example');
  open = await add('/open', undefined);
});
afterAll(async () => {
  await world.at.close();
  receiver.close();
});

let visitors = 0;
const newBrowser = () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);
const { verifier, challenge } = makePkce();
const ask = (browser: PageBrowser, client: WithSecret<Client>, more: Readonly<Record<string, string>> = {}) =>
  browser.get(authorizePath(requestOf(client.row, challenge, more)));

interface Tokens {
  readonly idToken: string;
  readonly identity: JWTPayload;
  readonly access: JWTPayload;
  readonly accessToken: string;
  readonly refreshToken: string;
}
const tokensIn = (body: Readonly<Record<string, unknown>>): Tokens => ({
  idToken: String(body.id_token),
  identity: decodeJwt(String(body.id_token)),
  access: decodeJwt(String(body.access_token)),
  accessToken: String(body.access_token),
  refreshToken: String(body.refresh_token),
});

async function signIn(
  client: WithSecret<Client>,
  browser: PageBrowser = newBrowser(),
  more: Readonly<Record<string, string>> = {},
  username = 'alice',
): Promise<Tokens> {
  const answer = await goThrough(browser, await ask(browser, client, more), { username });
  const code = String(answerIn(answer).get('code'));
  world.at.secrets.add('authorization code', code);
  return tokensIn((await redeem(world, client, { code, code_verifier: verifier })).body);
}
async function refresh(
  client: WithSecret<Client>,
  { refreshToken }: Tokens,
  more: Readonly<Record<string, string>> = {},
) {
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, ...more };
  const answer = await world.at.fetch('/oauth/token', form(fields, { authorization: client.basic }));
  return tokensIn((await read(answer)).body);
}
const textsOf = (claims: JWTPayload): readonly unknown[] =>
  Object.entries(claims).flatMap(([name, value]) =>
    typeof value === 'string' && !['iss', 'scope', 'pos', 'nonce', 'aud', 'acr'].includes(name) ? [value] : [],
  );

test('OIDC-03 OIDC Core §8.1: one person is the same in a sector, and another in each other one', async () => {
  const [first, second, other, known] = [await signIn(a1), await signIn(a2), await signIn(b), await signIn(open)];
  expect(first.identity.sub).toMatch(/^[A-Za-z0-9_-]{44}$/);
  expect(second.identity.sub).toBe(first.identity.sub);
  expect(other.identity.sub).not.toBe(first.identity.sub);
  expect(known.identity.sub).toBe(world.accountId);
  expect((await signIn(a1)).identity.sub).toBe(first.identity.sub);
  expect((await signIn(a1, newBrowser(), {}, 'bob')).identity.sub).not.toBe(first.identity.sub);
});

test('OIDC-03: in one browser, two sectors and a client that knows the account have nothing of it in common', async () => {
  const browser = newBrowser();
  const all = [await signIn(a1, browser), await signIn(b, browser), await signIn(open, browser)];
  const said = all.map(({ identity, access }) => new Set([...textsOf(identity), ...textsOf(access)]));
  for (const [n, mine] of said.entries())
    for (const theirs of said.slice(n + 1)) expect([...mine].filter((text) => theirs.has(text))).toEqual([]);
  const [pairwise] = all;
  expect(pairwise?.access.sid).toBeUndefined();
  expect(pairwise?.identity.sid).toMatch(/^fam_/);
  const whole = JSON.stringify([pairwise?.identity, pairwise?.access]);
  expect([whole.includes('acc_'), whole.includes('ses_')]).toEqual([false, false]);
});

test('OIDC-03, OIDC-09: all that is issued says the same: ID token, access token, refresh, UserInfo, introspection', async () => {
  const tokens = await signIn(a1, newBrowser(), { scope: 'openid read email' });
  const { sub, sid } = tokens.identity;
  expect(tokens.access.sub).toBe(sub);
  const introspected = await world.at.fetch(
    '/oauth/introspect',
    form({ token: tokens.accessToken }, { authorization: world.api.basic }),
  );
  expect((await read(introspected)).body).toMatchObject({ active: true, sub, fid: tokens.access.fid });
  const next = await refresh(a1, tokens, { resource: world.at.issuer, scope: 'openid email' });
  expect([next.identity.sub, next.identity.sid, next.access.sub, next.access.sid]).toEqual([sub, sid, sub, undefined]);
  const headers = { authorization: `Bearer ${next.accessToken}` };
  expect((await world.get('/oauth/userinfo', headers)).body).toEqual({ sub });
  for (const path of ['/api/me', '/api/sessions', '/api/consents'])
    expect((await world.get(path, headers)).status).toBe(403);
});

describe('OIDC-07, OIDC-03: an ID token as a hint means the person in the sector of its client', () => {
  const silent = { prompt: 'none' };
  const answer = async (browser: PageBrowser, hint: string, client = a1) =>
    Object.fromEntries(answerIn(await ask(browser, client, { ...silent, id_token_hint: hint })));

  test('the person who is signed in', async () => {
    const browser = newBrowser();
    const { idToken } = await signIn(a1, browser);
    expect(await answer(browser, idToken)).toHaveProperty('code');
  });

  test('somebody else', async () => {
    const browser = newBrowser();
    await signIn(a1, browser);
    const { idToken } = await signIn(a1, newBrowser(), {}, 'bob');
    expect(await answer(browser, idToken)).toMatchObject({ error: 'login_required' });
  });

  test('a token of another client of the sector is no hint for this one', async () => {
    const browser = newBrowser();
    const { idToken } = await signIn(a2, browser);
    expect(await answer(browser, idToken)).toMatchObject({ error: 'invalid_request' });
  });

  test('an account is not told by its own id', async () => {
    const browser = newBrowser();
    await signIn(a1, browser);
    const claims = JSON.stringify({ id_token: { sub: { value: world.accountId } } });
    const seen = await ask(browser, a1, { ...silent, claims });
    expect(answerIn(seen).has('code')).toBe(false);
  });
});

describe('LOGO-01, OIDC-03: a logout with a hint', () => {
  const logout = (browser: PageBrowser, idToken: string) =>
    browser.get(
      `/oauth/logout?${new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: AFTER }).toString()}`,
    );

  test('ends the session of the person whom it names in the sector', async () => {
    const browser = newBrowser();
    await signIn(a1, browser);
    const { idToken } = await signIn(a1, browser);
    expect((await logout(browser, idToken)).location).toBe(AFTER);
    expect(answerIn(await ask(browser, a1, { prompt: 'none' })).get('error')).toBe('login_required');
  });

  test('asks first, where it names somebody else, or another session of the same person', async () => {
    const browser = newBrowser();
    await signIn(a1, browser);
    const elsewhere = await signIn(a1);
    const bob = await signIn(a1, newBrowser(), {}, 'bob');
    for (const { idToken } of [elsewhere, bob]) {
      const seen = await logout(browser, idToken);
      expect([seen.status, seen.location]).toEqual([200, undefined]);
    }
    expect(answerIn(await ask(browser, a1, { prompt: 'none' })).has('code')).toBe(true);
  });

  test('LOGO-04: each client is told its own names of person and session, and no others', async () => {
    const browser = newBrowser();
    const told = new Map<string, Tokens>();
    for (const [path, client] of [
      ['/a1', a1],
      ['/a2', a2],
      ['/b', b],
      ['/open', open],
    ] as const)
      told.set(path, await signIn(client, browser));
    const again = await signIn(a1, browser);
    expect(again.identity.sid).toBe(told.get('/a1')?.identity.sid);
    await logout(browser, again.idToken);
    const received = () =>
      receiver.received.map(({ path, fields }) => [path, decodeJwt(String(fields.get('logout_token')))] as const);
    for (const [path, { identity }] of told) {
      const { sub, sid } = identity;
      const mine = () => received().filter(([at, token]) => at === path && token.sid === sid);
      await vi.waitFor(() => expect(mine()).toMatchObject([[path, { sub, sid }]]), { timeout: 8_000 });
      expect(received().filter(([at, token]) => at !== path && token.sid === sid)).toEqual([]);
    }
  });
});

test('a token with a pairwise subject is explained by what it belongs to, though it says nothing of it', async () => {
  const browser = newBrowser();
  const { accessToken } = await signIn(a1, browser);
  const textOf = async () => JSON.stringify(await explainCredential(accessToken, world.at.server));
  const session = /ses_[0-9a-z]{26}/.exec(await textOf())?.[0] ?? '';
  expect(await textOf()).toContain(`The session ${session} lives until`);
  expect(await textOf()).toContain(`The account ${world.accountId} may be used`);
  await browser.submit(await browser.get('/oauth/logout'), { decision: 'sign-out' });
  expect(await textOf()).toContain(`The session ${session} has ended`);
});
