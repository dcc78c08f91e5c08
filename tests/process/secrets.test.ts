import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecretWatch } from '@latchkey/testkit/secret-watch';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPlace, type Place, type Said } from './server-process.ts';

const NAME = 'watched';
const API = 'https://watched.example';

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place.close());

/** Sends requests to the server, remembers every secret in them and in the answers, and keeps what refusals say. */
function watched(issuer: string) {
  const watch = createSecretWatch();
  const told: string[] = [];
  async function send(method: string, path: string, body?: object, headers: Readonly<Record<string, string>> = {}) {
    const isForm = body instanceof URLSearchParams;
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const init = {
      method,
      headers: { 'content-type': type, ...headers },
      ...(body === undefined ? {} : { body: isForm ? body.toString() : JSON.stringify(body) }),
    };
    watch.sent(init);
    const answer = await fetch(issuer + path, init);
    const text = await answer.text();
    watch.received(answer.headers, text);
    if (answer.status >= 400 || /explain|audit|metrics/.test(path)) told.push(text);
    return {
      status: answer.status,
      cookies: answer.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? ''),
      body: /json/.test(answer.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : {},
    };
  }
  return { watch, told, send };
}

type Send = ReturnType<typeof watched>['send'];

const password = () => `a passphrase ${randomBytes(12).toString('base64url')}`;
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function administrate(send: Send, credential: { client_id: string; client_secret: string }, issuer: string) {
  const asked = new URLSearchParams({ grant_type: 'client_credentials', resource: `${issuer}/admin/api` });
  const { body } = await send('POST', '/oauth/token', asked, basic(credential.client_id, credential.client_secret));
  const admin = (method: string, path: string, sent?: object) =>
    send(method, `/admin/api${path}`, sent, bearer(body.access_token));
  const resource = await admin('POST', '/resources', { identifier: API, name: 'API', scopes: ['read'] });
  const made = { name: 'People', first_party: true, scopes: ['read'], resources: [API] };
  const people = await admin('POST', '/clients', { ...made, authentication: 'none', grant_types: ['refresh_token'] });
  const machine = await admin('POST', '/clients', {
    ...made,
    first_party: false,
    authentication: 'client_secret_post',
    grant_types: ['client_credentials'],
  });
  const rotated = await admin('POST', `/clients/${machine.body.client_id}/secrets`, {});
  const first = password();
  const account = await admin('POST', '/accounts', { identifiers: [NAME], password: first });
  const second = password();
  const reset = await admin('POST', `/accounts/${account.body.id}/password`, { password: second });
  expect([resource.status, people.status, machine.status, rotated.status, account.status, reset.status]).toEqual([
    201, 201, 201, 201, 201, 200,
  ]);
  return { admin, resource: resource.body, people: people.body, machine: machine.body, rotated: rotated.body, second };
}

type Administrated = Awaited<ReturnType<typeof administrate>>;

/**
 * Logins, right and wrong, refreshes, a theft, a change of password, a logout: in bodies and in cookies.
 *
 * @returns the password at the end
 */
async function liveFirstParty(send: Send, { admin, people, second }: Administrated, issuer: string): Promise<string> {
  const client = { client_id: people.client_id };
  const login = (sent: object, headers = {}) =>
    send('POST', '/api/login', { username: NAME, ...client, ...sent }, headers);
  const one = (await login({ password: second })).body;
  const two = (await send('POST', '/api/refresh', { refresh_token: one.refresh_token })).body;
  const stolen = await send('POST', '/api/refresh', { refresh_token: one.refresh_token });
  const late = await send('POST', '/api/refresh', { refresh_token: two.refresh_token });
  expect([stolen.status, late.status]).toEqual([400, 400]);
  for (const credential of [one.refresh_token, two.refresh_token, two.access_token])
    expect((await admin('POST', '/explain', { credential })).status).toBe(200);
  expect((await admin('POST', '/explain', { error_id: stolen.body.error_id })).status).toBe(200);

  const own = (await login({ password: second, resource: issuer })).body;
  const third = password();
  const change = (current: string, next: string) =>
    send('POST', '/api/password', { current_password: current, new_password: next }, bearer(own.access_token));
  expect((await change(password(), third)).status).toBe(403);
  expect((await change(second, third)).status).toBe(204);
  expect((await login({ password: second })).status).toBe(401);

  const page = { origin: issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': '1' };
  const inCookies = await login({ password: third, delivery: 'cookie' }, page);
  expect([inCookies.status, inCookies.cookies.length]).toEqual([200, 4]);
  const cookie = { ...page, cookie: inCookies.cookies.join('; '), 'x-latchkey-csrf': inCookies.body.csrf_token };
  expect((await send('POST', '/api/refresh', {}, cookie)).status).toBe(200);
  expect((await send('POST', '/api/refresh', {}, { ...cookie, 'x-latchkey-csrf': 'x'.repeat(43) })).status).toBe(403);
  expect((await send('POST', '/api/logout', { refresh_token: own.refresh_token })).status).toBe(204);
  return third;
}

async function liveOAuth(send: Send, { admin, resource, machine, rotated }: Administrated): Promise<void> {
  const form = (path: string, fields: Record<string, string>, headers = {}) =>
    send('POST', path, new URLSearchParams(fields), headers);
  const client = { client_id: machine.client_id, client_secret: rotated.client_secret ?? rotated.secret };
  const issued = await form('/oauth/token', { grant_type: 'client_credentials', ...client });
  expect(issued.status).toBe(200);
  const token = issued.body.access_token;
  const asked = await form('/oauth/introspect', { token }, basic(resource.id, resource.secret));
  expect(asked.body.active).toBe(true);
  expect((await form('/oauth/revoke', { token, ...client })).status).toBe(200);
  await admin('POST', '/tokens/revoke', { credential: token });
  await admin('POST', '/explain', { credential: token });
  await form('/oauth/token', { grant_type: 'client_credentials', ...client, client_secret: `lk_cs_${password()}` });
  await form('/oauth/introspect', { token }, basic(resource.id, `lk_rs_${password()}`));
}

/** Credentials in the wrong place, cut off, or beside what is wrong with the request. */
async function sendNonsense(send: Send, { people }: Administrated, right: string): Promise<void> {
  const { body } = await send('POST', '/api/login', { username: NAME, password: right, client_id: people.client_id });
  const secret = String(body.refresh_token);
  expect(secret).toMatch(/^lk_rt_/);
  const other = `token ${randomBytes(24).toString('base64url')}`;
  for (const path of ['/api/login', '/api/refresh', '/api/logout', '/api/password', '/oauth/token', '/oauth/revoke'])
    for (const token of [secret, other, `${secret.slice(0, 40)}%00`]) {
      await send('POST', path, { refresh_token: token, password: [token], username: { password: token } });
      await send('POST', path, new URLSearchParams({ refresh_token: token, grant_type: token, token }));
      await send('POST', path, undefined, {
        authorization: `Bearer ${token}`,
        cookie: `__Host-latchkey-refresh=${token}`,
      });
      await send('GET', path, undefined, { authorization: `Basic ${Buffer.from(token).toString('base64')}` });
      await send('POST', `${path}/unknown`, { refresh_token: token }, { authorization: `DPoP ${token}` });
    }
  await send('POST', '/api/login', { username: secret, password: other });
}

const filesIn = (folder: string): Readonly<Record<string, Buffer>> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

test('OPS-01 ASVS 16.2.5: no secret that was sent or issued stands in logs, output, database, metrics, audit rows or refusals', {
  timeout: 120_000,
}, async () => {
  const metricsToken = randomBytes(24).toString('hex');
  writeFileSync(join(place.folder, 'token'), metricsToken, { mode: 0o600 });
  const server: Said = await place.serve(['--dev', '--metrics-token-file', 'token', '--log-level', 'info']);
  const { watch, told, send } = watched(place.issuer);
  const kek = readFileSync(join(place.folder, '.latchkey/kek'), 'utf8').trim();
  watch.add('key-encryption key', Buffer.from(kek, 'base64'));
  const credential = JSON.parse(readFileSync(join(place.folder, '.latchkey/admin.json'), 'utf8'));

  const made = await administrate(send, credential, place.issuer);
  const right = await liveFirstParty(send, made, place.issuer);
  await liveOAuth(send, made);
  await sendNonsense(send, made, right);
  expect((await send('GET', '/metrics', undefined, bearer(metricsToken))).status).toBe(200);
  expect((await made.admin('GET', '/audit?limit=200')).status).toBe(200);

  const running = filesIn(join(place.folder, 'data'));
  expect(Object.keys(running)).toContain('latchkey.db-wal');
  server.child.kill('SIGTERM');
  expect(await server.ended()).toBe(0);
  const stopped = filesIn(join(place.folder, 'data'));
  const places = { out: server.out(), err: server.err(), told: told.join('\n'), ...running };
  expect(watch.count).toBeGreaterThan(30);
  expect(server.out()).toContain('"event":"refused"');
  for (const [name, content] of [...Object.entries(places), ...Object.entries(stopped)])
    expect([name, watch.foundIn(content)]).toEqual([name, []]);
});
