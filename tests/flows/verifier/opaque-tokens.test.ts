import { addClient, addResource, form } from '@latchkey/testkit/test-server';
import type { Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { type ApiWorld, bearer, startApi, untilRefused } from './api.ts';

let world: ApiWorld;
let admin: TestAdministrator;
let api: Awaited<ReturnType<typeof addResource>>;
let appId: string;
let verifier: Verifier;
let questions: string[];
beforeAll(async () => {
  world = await startApi();
  const { server } = world.at;
  admin = await addAdministrator(world.at);
  api = await addResource(server, { format: 'opaque' });
  const resources = [api.row.identifier];
  const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
  appId = (await addClient(server, app)).row.id;
  questions = [];
  verifier = await addVerifier();
});
afterAll(() => world.close());

const addVerifier = () =>
  world.addVerifier({
    audience: api.row.audience,
    credentials: { id: api.row.id, secret: api.secret },
    fetch(input, init) {
      if (String(input).endsWith('/oauth/introspect'))
        questions.push(new URLSearchParams(String(init?.body)).get('token') ?? '');
      return fetch(input, init);
    },
  });
const asked = (token: string): number => questions.filter((one) => one === token).length;
async function login() {
  const { body } = await world.login({ client_id: appId });
  return { access: String(body.access_token), refresh: String(body.refresh_token) };
}
async function machine() {
  const client = await addClient(world.at.server, { resources: [api.row.identifier] });
  const grant = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  return { client, access: String((await (await world.at.fetch('/oauth/token', grant)).json()).access_token) };
}
/** Nobody waits for a heartbeat, on a machine that does much else. */
const AT_ONCE = 2_000;
const REVOKED = { ok: false, error: 'token_revoked' };
const NONE = { ok: false, error: 'token_inactive' };

test('an opaque token is asked about once, however often and by however many at once it comes', async () => {
  const { access } = await login();
  expect(verifier.verifyNow(access)).toBeUndefined();
  const first = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(access)));
  for (const result of first)
    expect(result).toMatchObject({
      ok: true,
      value: {
        principal: { kind: 'account', subject: world.accountId },
        credential: 'opaque',
        scope: ['read', 'write'],
      },
    });
  for (let n = 0; n < 50; n++) expect(verifier.verifyNow(access)?.ok).toBe(true);
  expect(asked(access)).toBe(1);
});

test('RSV-13: what the server does not know is asked about once and refused as any bad token, a forged MAC too', async () => {
  const { access } = await login();
  const forged = [
    access.slice(0, -2) + (access.at(-2) === 'x' ? 'y' : 'x') + access.slice(-1), // its MAC
    `${access.slice(0, 20)}${access[20] === 'x' ? 'y' : 'x'}${access.slice(21)}`, // its random part
  ];
  for (const text of forged) {
    expect(await verifier.authenticate(bearer(text))).toMatchObject({
      ok: false,
      error: { error: 'token_inactive', status: 401, body: { error: 'invalid_token' } },
    });
    for (let n = 0; n < 10; n++) expect(verifier.verifyNow(text)).toEqual({ ok: false, error: 'token_inactive' });
    expect(asked(text)).toBe(1);
  }
  const malformed = [access.slice(0, -1), `${access}A`, `${access.slice(0, -1)}.`, 'lk_at_', 'lk_at_'.repeat(100)];
  const before = questions.length;
  for (const text of malformed)
    expect(await verifier.verify(text)).toEqual({ ok: false, error: 'opaque_token_malformed' });
  expect(questions.length).toBe(before);
});

test('a token of another API is none here', async () => {
  const other = await addResource(world.at.server, { format: 'opaque' });
  const client = await addClient(world.at.server, { resources: [other.row.identifier] });
  const grant = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const { access_token: token } = await (await world.at.fetch('/oauth/token', grant)).json();
  expect(await verifier.verify(token)).toEqual({ ok: false, error: 'token_inactive' });
});

describe('INT-10: what ends at the server is refused as soon as the feed tells it, without another question', () => {
  const ends: Readonly<Record<string, () => Promise<{ readonly token: string; end(): Promise<unknown> }>>> = {
    'one token, by its client': async () => {
      const { client, access } = await machine();
      const end = () => world.at.fetch('/oauth/revoke', form({ token: access }, { authorization: client.basic }));
      return { token: access, end };
    },
    'a family, by its logout': async () => {
      const { access, refresh } = await login();
      return { token: access, end: () => world.post('/api/logout', { refresh_token: refresh }) };
    },
    'a session, by an administrator': async () => {
      const { access } = await login();
      const said = await verifier.verify(access);
      const sid = said.ok ? said.value.claims.sid : '';
      return { token: access, end: () => admin.delete(`/sessions/${sid}`) };
    },
  };
  test.each(Object.keys(ends))('%s', async (what) => {
    const { token, end } = (await ends[what]?.()) ?? { token: '', end: async () => {} };
    const { access: other } = await machine();
    expect([(await verifier.verify(token)).ok, (await verifier.verify(other)).ok]).toEqual([true, true]);
    await end();
    const answeredAt = performance.now();
    expect(await untilRefused(verifier, token)).toEqual(REVOKED);
    expect(performance.now() - answeredAt).toBeLessThan(AT_ONCE);
    expect([(await verifier.verify(other)).ok, asked(token)]).toEqual([true, 1]);
    // and one that begins now knows it too
    const late = await addVerifier();
    expect((await late.verify(token)).ok).toBe(false);
  });
});

describe('INT-10: what is cut off is asked about once more, since an answer of now may stand behind the cut', () => {
  test('the tokens of an account that is disabled, and of nobody else', async () => {
    const { access } = await login();
    const { access: other } = await machine();
    expect([(await verifier.verify(access)).ok, (await verifier.verify(other)).ok]).toEqual([true, true]);
    expect((await admin.post(`/accounts/${world.accountId}/disable`)).status).toBe(200);
    const answeredAt = performance.now();
    await expect.poll(() => verifier.verifyNow(access)?.ok, { timeout: 15_000, interval: 5 }).not.toBe(true);
    expect(performance.now() - answeredAt).toBeLessThan(AT_ONCE);
    expect([await verifier.verify(access), await verifier.verify(access)]).toEqual([NONE, NONE]);
    expect([asked(access), verifier.verifyNow(other)?.ok]).toEqual([2, true]);
    expect((await admin.post(`/accounts/${world.accountId}/enable`)).status).toBe(200);
    expect((await verifier.verify(access)).ok).toBe(false);
    expect((await verifier.verify((await login()).access)).ok).toBe(true);
  });

  test('those of a client that is deleted', async () => {
    const { client, access } = await machine();
    expect((await verifier.verify(access)).ok).toBe(true);
    expect((await admin.delete(`/clients/${client.row.id}`)).status).toBeLessThan(300);
    await expect.poll(() => verifier.verifyNow(access)?.ok, { timeout: 15_000, interval: 5 }).not.toBe(true);
    expect([await verifier.verify(access), verifier.verifyNow(access)]).toEqual([NONE, NONE]);
  });
});
