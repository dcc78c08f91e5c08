import type { Client } from '@latchkey/domain/clients/client';
import { DURATIONS } from '@latchkey/protocol/limits';
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
import {
  type Answering,
  type LogoutReceiver,
  type ReceivedLogout,
  startLogoutReceiver,
} from '@latchkey/testkit/logout-receiver';
import { addAccount, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { jsonBody, startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { outboxOf } from '../outbox.ts';

const WAIT = { timeout: 8_000, interval: 50 };
const NEXT_PASSWORD = 'another passphrase that nobody guesses';
const clock = testClock();
let receiver: LogoutReceiver;
let world: World;
let admin: TestAdministrator;
let visitors = 0;

async function start(allow: readonly string[]): Promise<void> {
  world = await populate(await startTestServer({ now: clock.now, settings: { fetchAllow: allow.join() } }));
  admin = await addAdministrator(world.at);
}
beforeEach(async () => {
  receiver = await startLogoutReceiver();
  await start([receiver.origin]);
});
afterEach(async () => {
  await world.at.close();
  receiver.close();
});

const uriOf = (path: string) => `${receiver.origin}${path}`;
const addTold = (path: string, more: Partial<Client> = {}) =>
  addRelyingParty(world, { backchannelLogoutUri: uriOf(path), ...more });
const newBrowser = () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`);

async function signIn(client: WithSecret<Client>, browser: PageBrowser, more: Readonly<Record<string, string>> = {}) {
  const { verifier, challenge } = makePkce();
  const { username = 'alice', ...parameters } = more;
  const first = await browser.get(authorizePath(requestOf(client.row, challenge, parameters)));
  const code = String(answerIn(await goThrough(browser, first, { username })).get('code'));
  world.at.secrets.add('authorization code', code);
  const { body } = await redeem(world, client, { code, code_verifier: verifier });
  const idToken = String(body.id_token);
  return { idToken, claims: decodeJwt(idToken) };
}
const logout = (browser: PageBrowser, idToken: string) =>
  browser.get(`/oauth/logout?${new URLSearchParams({ id_token_hint: idToken }).toString()}`);
const told = (path: string): readonly ReceivedLogout[] => receiver.received.filter((one) => one.path === path);
const untilTold = (path: string, times = 1) => vi.waitFor(() => expect(told(path)).toHaveLength(times), WAIT);
/** The queue is empty: nobody is told anything more. */
const untilQuiet = () => vi.waitFor(() => expect(outboxOf(world.at)).toEqual([]), WAIT);
const logOf = (event: string) => world.at.logged.map((line) => JSON.parse(line)).filter((line) => line.event === event);

/** What the client makes of it, with a library of its own. */
async function prove({ fields }: ReceivedLogout, client: WithSecret<Client>) {
  const keys = await (await world.at.fetch('/.well-known/jwks.json')).json();
  const { payload, protectedHeader } = await jwtVerify(String(fields.get('logout_token')), createLocalJWKSet(keys), {
    issuer: world.at.issuer,
    audience: client.row.id,
    typ: 'logout+jwt',
    currentDate: new Date(clock.now()),
  });
  return { claims: payload, header: protectedHeader };
}

test('LOGO-04 OIDC Back-Channel Logout §2.4, §2.5: after a logout the client gets a token that it can believe', async () => {
  const client = await addTold('/logout?tenant=1', { idTokenAlgorithm: 'ES256' });
  const browser = newBrowser();
  const { idToken, claims } = await signIn(client, browser);
  await logout(browser, idToken);
  await untilTold('/logout?tenant=1');
  const [received] = told('/logout?tenant=1');
  if (received === undefined) throw new Error('nothing came');
  expect(received.headers['content-type']).toBe('application/x-www-form-urlencoded');
  expect([...received.fields.keys()]).toEqual(['logout_token']);
  const proven = await prove(received, client);
  expect(proven.header).toEqual({
    typ: 'logout+jwt',
    alg: decodeProtectedHeader(idToken).alg,
    kid: decodeProtectedHeader(idToken).kid,
  });
  const iat = Math.floor(clock.now() / 1000);
  expect(proven.claims).toEqual({
    iss: world.at.issuer,
    aud: client.row.id,
    sub: claims.sub,
    sid: claims.sid,
    iat,
    exp: iat + 120,
    jti: expect.stringMatching(/^tok_/),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  });
  expect(claims.sid).toMatch(/^ses_/);
  await untilQuiet();
});

test('LOGO-04: each client of the session hears of it once, those of other sessions and those without a URI never', async () => {
  const [first, second, elsewhere] = [await addTold('/first'), await addTold('/second'), await addTold('/elsewhere')];
  const browser = newBrowser();
  for (const client of [first, second, first]) await signIn(client, browser);
  await signIn(await addRelyingParty(world), browser);
  await signIn(elsewhere, newBrowser());
  await signIn(second, newBrowser());
  const { idToken } = await signIn(first, browser);
  await logout(browser, idToken);
  await untilTold('/second');
  await untilQuiet();
  expect(receiver.received.map(({ path }) => path).sort()).toEqual(['/first', '/second']);
});

test('LOGO-04: a client without refresh tokens, and one with offline access, hear of it hours later, too', async () => {
  const bare = await addTold('/bare', { grantTypes: ['authorization_code'] });
  const offline = await addTold('/offline');
  const browser = newBrowser();
  await signIn(bare, browser);
  const { claims, idToken } = await signIn(offline, browser, { scope: 'openid offline_access', prompt: 'consent' });
  clock.advance(5 * 3_600_000);
  await world.at.server.store.expire(clock.now(), 1_000);
  await logout(browser, idToken);
  await Promise.all([untilTold('/bare'), untilTold('/offline')]);
  const [received] = told('/offline');
  expect(received && (await prove(received, offline)).claims.sid).toBe(claims.sid);
});

describe('LOGO-04 OIDC Back-Channel Logout §2.3: a client is told whoever ends the session', () => {
  const bearer = async () => {
    const { body } = await world.login({ resource: world.at.issuer });
    return { authorization: `Bearer ${body.access_token}` };
  };
  const call = async (method: string, path: string, body?: object) => {
    const headers = await bearer();
    const init = body === undefined ? { headers } : jsonBody(body, headers);
    return (await world.at.fetch(path, { ...init, method })).status;
  };
  const change = { current_password: PASSWORD, new_password: NEXT_PASSWORD };

  test.each<[string, (sid: string) => Promise<number>, number]>([
    ['its owner', (sid) => call('DELETE', `/api/sessions/${sid}`), 204],
    ['its owner, with all others', () => call('DELETE', '/api/sessions'), 200],
    ['a change of the password', () => call('POST', '/api/password', change), 204],
    ['an administrator', async (sid) => (await admin.delete(`/sessions/${sid}`)).status, 204],
    [
      'an administrator who sets a password',
      async () => (await admin.post(`/accounts/${world.accountId}/password`, { password: NEXT_PASSWORD })).status,
      200,
    ],
    [
      'an administrator who disables the account',
      async () => (await admin.post(`/accounts/${world.accountId}/disable`)).status,
      200,
    ],
  ])('%s', async (_, end, status) => {
    const client = await addTold('/logout');
    const { claims } = await signIn(client, newBrowser());
    expect(await end(String(claims.sid))).toBe(status);
    await untilTold('/logout');
    const [received] = told('/logout');
    expect(received && (await prove(received, client)).claims).toMatchObject({ sub: claims.sub, sid: claims.sid });
  });

  test('somebody else who signs in there', async () => {
    await addAccount(world.at.server, 'bob');
    const client = await addTold('/logout');
    const browser = newBrowser();
    const { claims } = await signIn(client, browser);
    await signIn(client, browser, { prompt: 'login', username: 'bob' });
    await untilTold('/logout');
    const [received] = told('/logout');
    expect(received && (await prove(received, client)).claims).toMatchObject({ sub: claims.sub, sid: claims.sid });
  });
});

/** Signs in to these clients in one browser, and out again. */
async function endOne(...clients: readonly WithSecret<Client>[]): Promise<void> {
  const browser = newBrowser();
  let idToken = '';
  for (const client of clients) ({ idToken } = await signIn(client, browser));
  await logout(browser, idToken);
}

describe('what does not arrive is told again', () => {
  const failures = () => logOf('a message was not delivered');
  const WRONG: Readonly<Record<string, { readonly how: Answering; readonly error: string }>> = {
    error: { how: (_, response) => void response.writeHead(500).end(), error: 'status 500' },
    refusal: { how: (_, response) => void response.writeHead(400).end('{"error":"x"}'), error: 'status 400' },
    'another-success': { how: (_, response) => void response.writeHead(202).end(), error: 'status 202' },
    redirect: {
      how: (_, response) => void response.writeHead(307, { location: uriOf('/other') }).end(),
      error: 'redirected',
    },
    cut: { how: (request) => void request.socket.destroy(), error: 'failed' },
    'too-large': { how: (_, response) => void response.end('x'.repeat(100_000)), error: 'too_large' },
    endless: {
      how(_, response) {
        const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
        response.on('close', () => clearInterval(timer));
      },
      error: 'too_large',
    },
    'by-the-byte': { how: (_, response) => void response.write('x'), error: 'timed_out' },
  };

  test('LOGO-04 OIDC Back-Channel Logout §2.8: nothing but 200 and 204 is a success', { timeout: 30_000 }, async () => {
    receiver.answer((request, response) => {
      const name = new URL(uriOf(request.url ?? '')).pathname.slice(1);
      WRONG[name]?.how(request, response);
    });
    const paths = Object.keys(WRONG).map((name) => `/${name}?secret=query`);
    const clients: WithSecret<Client>[] = [];
    for (const path of paths) clients.push(await addTold(path));
    await endOne(...clients);
    await vi.waitFor(() => expect(failures()).toHaveLength(paths.length), { ...WAIT, timeout: 12_000 });
    expect(Object.fromEntries(failures().map((line) => [line.receiver, [line.attempts, line.error.message]]))).toEqual(
      Object.fromEntries(Object.values(WRONG).map(({ error }, n) => [clients[n]?.row.id, [0, error]])),
    );
    receiver.answer((_request, response) => void response.writeHead(204).end());
    clock.advance(1_000);
    await untilQuiet();
    for (const [n, path] of paths.entries()) {
      const [first, second, ...more] = told(path);
      expect([first?.fields.has('logout_token'), more]).toEqual([true, []]);
      expect(first?.fields.get('logout_token')).not.toBe(second?.fields.get('logout_token'));
      const client = clients[n];
      if (second === undefined || client === undefined) throw new Error(`${path} was not told again`);
      expect((await prove(second, client)).claims.iat).toBe(Math.floor(clock.now() / 1000));
    }
    expect(told('/other')).toEqual([]);
    const log = world.at.logged.join('');
    expect([log.includes('query'), log.includes('eyJ')]).toEqual([false, false]);
  });

  test('LOGO-04: one that answers slowly delays no other', { timeout: 20_000 }, async () => {
    receiver.answer((request, response) => {
      if (request.url === '/quick') response.end();
    });
    await endOne(await addTold('/slow'), await addTold('/quick'));
    await untilTold('/quick');
    expect(failures()).toEqual([]);
  });

  test('LOGO-04: after a day it is given up, with an alert', async () => {
    receiver.answer((request) => void request.socket.destroy());
    const client = await addTold('/logout');
    await endOne(client);
    await vi.waitFor(() => expect(failures()).toHaveLength(1), WAIT);
    clock.advance(DURATIONS.backchannelLogoutRetry * 1000);
    await untilQuiet();
    expect(logOf('a message was given up')).toMatchObject([{ topic: 'backchannel_logout', receiver: client.row.id }]);
    expect(await world.at.server.metrics.render()).toContain('latchkey_alerts_total{event="outbox.given_up"} 1');
    expect(told('/logout')).toHaveLength(1);
  });

  test('LOGO-04: a client that was deleted meanwhile is told nothing more', async () => {
    receiver.answer((request) => void request.socket.destroy());
    const client = await addTold('/logout');
    await endOne(client);
    await vi.waitFor(() => expect(failures()).toHaveLength(1), WAIT);
    expect((await admin.delete(`/clients/${client.row.id}`)).status).toBe(204);
    clock.advance(60_000);
    await untilQuiet();
    expect([told('/logout').length, logOf('a message was given up')]).toEqual([1, []]);
  });
});

describe('SSRF: where nothing is allowed by name, no URI leads into the own network', () => {
  const uris: readonly (readonly [string, (port: string) => string])[] = [
    ['url_refused', (port) => `http://127.0.0.1:${port}/`],
    ['address_refused', (port) => `https://127.0.0.1:${port}/`],
    ['address_refused', (port) => `https://localhost:${port}/`],
    ['address_refused', (port) => `https://[::1]:${port}/`],
    ['address_refused', (port) => `https://[::ffff:127.0.0.1]:${port}/`],
    ['address_refused', (port) => `https://2130706433:${port}/`],
    ['address_refused', (port) => `https://0177.0.0.1:${port}/`],
    ['address_refused', (port) => `https://0.0.0.0:${port}/`],
    ['address_refused', () => 'https://169.254.169.254/latest/meta-data'],
    ['url_refused', (port) => `https://me@127.0.0.1:${port}/`],
    ['url_refused', (port) => `gopher://127.0.0.1:${port}/`],
    ['url_refused', () => 'file:///etc/passwd'],
  ];

  test('LOGO-04, OPS-03: this machine and the networks around it are never reached', async () => {
    await world.at.close();
    await start([]);
    const clients: WithSecret<Client>[] = [];
    for (const [, uri] of uris)
      clients.push(await addRelyingParty(world, { backchannelLogoutUri: uri(new URL(receiver.origin).port) }));
    await endOne(...clients);
    await vi.waitFor(() => expect(logOf('a message was not delivered')).toHaveLength(uris.length), WAIT);
    expect(
      Object.fromEntries(logOf('a message was not delivered').map((line) => [line.receiver, line.error.message])),
    ).toEqual(Object.fromEntries(uris.map(([error], n) => [clients[n]?.row.id, error])));
    expect(receiver.connections()).toBe(0);
  });

  test('LOGO-04 OIDC Back-Channel Logout §2.2: the admin API takes https, and what is allowed by name', async () => {
    const wanted = { name: 'Told', authentication: 'none', grant_types: ['authorization_code'], scopes: ['openid'] };
    const redirect_uris = ['https://rp.example/callback'];
    const create = (uri: string) => admin.post('/clients', { ...wanted, redirect_uris, backchannel_logout_uri: uri });
    for (const uri of [uriOf('/logout?tenant=1'), 'https://rp.example/logout']) {
      const { status, body } = await create(uri);
      expect([status, body.backchannel_logout_uri]).toEqual([201, uri]);
      expect((await admin.get(`/clients/${body.client_id}`)).body.backchannel_logout_uri).toBe(uri);
    }
    const clients = (await admin.get('/clients?limit=200')).body.items.length;
    for (const uri of ['http://127.0.0.1:1/', 'http://rp.example/', 'https://rp.example/#x', 'javascript:alert(1)']) {
      const { status, body } = await create(uri);
      expect([status, body.error]).toEqual([422, 'invalid_client_metadata']);
    }
    expect((await admin.get('/clients?limit=200')).body.items.length).toBe(clients);
  });
});
