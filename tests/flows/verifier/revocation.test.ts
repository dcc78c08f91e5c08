import { makeId } from '@latchkey/protocol/ids';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { addAccount } from '@latchkey/testkit/people';
import { addClient, form } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { type ApiWorld, bearer, partsOf, startApi, untilRefused } from './api.ts';

let world: ApiWorld;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await startApi();
  admin = await addAdministrator(world.at);
  await addAccount(world.at.server, 'bob');
});
afterAll(() => world.close());

interface Login {
  readonly access: string;
  readonly refresh: string;
}
async function login(more: object = {}): Promise<Login> {
  const { body } = await world.login(more);
  return { access: String(body.access_token), refresh: String(body.refresh_token) };
}
async function machine() {
  const client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
  const token = String((await (await world.at.fetch('/oauth/token', asked)).json()).access_token);
  return { client, token };
}
const isAccepted = async (token: string) => (await world.verifier.verify(token)).ok;
const sidOf = (token: string) => String(partsOf(token).claims.sid);

describe('what ends at the server is refused by its verifiers, and nothing else is', () => {
  const REVOKED = { ok: false, error: 'token_revoked' };

  test('REV-01 RFC 7009 §2.1: one token of a machine, by its client', async () => {
    const { client, token } = await machine();
    const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
    const other = String((await (await world.at.fetch('/oauth/token', asked)).json()).access_token);
    expect([await isAccepted(token), await isAccepted(other)]).toEqual([true, true]);
    const answer = await world.at.fetch('/oauth/revoke', form({ token }, { authorization: client.basic }));
    expect(answer.status).toBe(200);
    expect(await untilRefused(world.verifier, token)).toEqual(REVOKED);
    expect(await isAccepted(other)).toBe(true);
  });

  test('a login, by its logout', async () => {
    const [mine, other] = [await login(), await login()];
    expect([await isAccepted(mine.access), await isAccepted(other.access)]).toEqual([true, true]);
    expect((await world.post('/api/logout', { refresh_token: mine.refresh })).status).toBeLessThan(300);
    expect(await untilRefused(world.verifier, mine.access)).toEqual(REVOKED);
    expect(await isAccepted(other.access)).toBe(true);
  });

  test('a family, by a thief who repeats a spent refresh token', async () => {
    const mine = await login();
    const { body } = await world.post('/api/refresh', { refresh_token: mine.refresh });
    const renewed = String(body.access_token);
    expect([await isAccepted(mine.access), await isAccepted(renewed)]).toEqual([true, true]);
    expect((await world.post('/api/refresh', { refresh_token: mine.refresh })).status).toBe(400);
    expect(await untilRefused(world.verifier, renewed)).toEqual(REVOKED);
    expect(await untilRefused(world.verifier, mine.access)).toEqual(REVOKED);
  });

  test('a session, by an administrator', async () => {
    const [mine, other] = [await login(), await login()];
    expect((await admin.delete(`/sessions/${sidOf(mine.access)}`)).status).toBeLessThan(300);
    expect(await untilRefused(world.verifier, mine.access)).toEqual(REVOKED);
    expect(await isAccepted(other.access)).toBe(true);
  });

  test('an account, when it is disabled; what it gets after it was enabled is good', async () => {
    const [bob, alice] = [await login({ username: 'bob' }), await login()];
    const id = partsOf(bob.access).claims.sub;
    expect(await isAccepted(bob.access)).toBe(true);
    expect((await admin.post(`/accounts/${id}/disable`)).status).toBe(200);
    expect(await untilRefused(world.verifier, bob.access)).toEqual(REVOKED);
    expect(await isAccepted(alice.access)).toBe(true);
    expect((await admin.post(`/accounts/${id}/enable`)).status).toBe(200);
    const again = await login({ username: 'bob' });
    expect([await isAccepted(again.access), await isAccepted(bob.access)]).toEqual([true, false]);
  });

  test('a client, when it is deleted', async () => {
    const [mine, other] = [await machine(), await machine()];
    expect(await isAccepted(mine.token)).toBe(true);
    expect((await admin.delete(`/clients/${mine.client.row.id}`)).status).toBeLessThan(300);
    expect(await untilRefused(world.verifier, mine.token)).toEqual(REVOKED);
    expect(await isAccepted(other.token)).toBe(true);
  });

  test('everything, by a cut-off for all; what is issued after it is good', async () => {
    const before = await login();
    expect(await isAccepted(before.access)).toBe(true);
    const exp = (Math.floor(Date.now() / 1000) + 600) as EpochSeconds;
    await world.at.server.commit(
      () => Promise.resolve(),
      () => ({
        outcome: { ok: true, value: undefined },
        expects: [],
        writes: [{ kind: 'revocation.emit', event: { kind: 'all', id: '', exp } }],
      }),
    );
    expect(await untilRefused(world.verifier, before.access)).toEqual(REVOKED);
    expect(await isAccepted((await login()).access)).toBe(true);
  });

  test('a verifier that starts later knows what was revoked before', async () => {
    const mine = await login();
    await world.post('/api/logout', { refresh_token: mine.refresh });
    const later = await world.addVerifier();
    expect(later.verifyNow(mine.access)).toEqual(REVOKED);
  });
});

test('KEY-07: a key that is revoked takes its tokens along at once, and what the next one signs is good', async () => {
  const own = await startApi();
  try {
    const token = String((await own.login()).body.access_token);
    expect((await own.verifier.verify(token)).ok).toBe(true);
    const { kid } = partsOf(token).header;
    const administrator = await addAdministrator(own.at);
    expect((await administrator.post(`/keys/${kid}/revoke`)).status).toBe(200);
    expect(await untilRefused(own.verifier, token)).toEqual({ ok: false, error: 'token_key_revoked' });
    const next = String((await own.login()).body.access_token);
    expect(partsOf(next).header.kid).not.toBe(kid);
    expect((await own.verifier.verify(next)).ok).toBe(true);
    // and whoever has the old key still has nothing
    const { payload, head, signature } = partsOf(token);
    expect(await own.verifier.authenticate(bearer(`${head}.${payload}.${signature}`))).toMatchObject({
      error: { error: 'token_key_revoked', status: 401 },
    });
  } finally {
    await own.close();
  }
});

test('a lost connection is made again where it was, and what happened meanwhile is known', async () => {
  const requests: (string | null)[] = [];
  let cut: (() => void) | undefined;
  const verifier = await world.addVerifier({
    random: () => 0,
    async fetch(input, init) {
      if (!String(input).endsWith('/revocations')) return fetch(input, init);
      requests.push(new Headers(init?.headers).get('last-event-id'));
      const cutter = new AbortController();
      cut = () => cutter.abort(new Error('the line is cut'));
      return fetch(input, {
        ...init,
        signal: AbortSignal.any([cutter.signal, ...(init?.signal ? [init.signal] : [])]),
      });
    },
  });
  const mine = await login();
  expect((await verifier.verify(mine.access)).ok).toBe(true);
  cut?.();
  await world.post('/api/logout', { refresh_token: mine.refresh });
  expect(await untilRefused(verifier, mine.access)).toEqual({ ok: false, error: 'token_revoked' });
  expect([requests[0], requests[1]]).toEqual([null, expect.stringMatching(/^[0-9]+:[0-9]+$/)]);
});

describe('while the log cannot be followed', () => {
  /** A verifier whose clock has moved on by so much since it last heard. */
  async function stale(onStale: 'introspect' | 'reject' | 'accept') {
    let ahead = 0;
    let isCut = false;
    const verifier = await world.addVerifier({
      onStale,
      monotonic: () => performance.now() + ahead,
      fetch: (input, init) =>
        isCut && String(input).endsWith('/revocations')
          ? Promise.reject(new Error('the line is cut'))
          : fetch(input, init),
    });
    return {
      verifier,
      become() {
        isCut = true;
        ahead += 60_000;
      },
    };
  }

  test('verifier_stale: policy reject refuses with 503', async () => {
    const { verifier, become } = await stale('reject');
    const { access } = await login();
    expect((await verifier.verify(access)).ok).toBe(true);
    become();
    const result = await verifier.authenticate(bearer(access));
    expect(result).toMatchObject({
      ok: false,
      error: {
        error: 'verifier_stale',
        status: 503,
        headers: { 'retry-after': '1' },
        body: { error: 'temporarily_unavailable' },
      },
    });
    expect(result.ok ? {} : result.error.headers).not.toHaveProperty('www-authenticate');
  });

  test('policy accept accepts, and says so', async () => {
    const { verifier, become } = await stale('accept');
    const { access } = await login();
    become();
    expect(await verifier.verify(access)).toMatchObject({ ok: true, value: { stale: true } });
  });

  test('policy introspect asks the server, which knows', async () => {
    const { verifier, become } = await stale('introspect');
    const [mine, other] = [await login(), await login()];
    become();
    await world.post('/api/logout', { refresh_token: mine.refresh });
    expect(await verifier.verify(mine.access)).toEqual({ ok: false, error: 'token_revoked' });
    expect(await verifier.verify(other.access)).toMatchObject({ ok: true, value: { stale: false } });
  });
});

test('an event for somebody else’s id costs nobody anything', async () => {
  const { access } = await login();
  const id = makeId('fam', world.at.server.now(), world.at.server.entropy(10));
  const before = world.verifier.status().revocations;
  const exp = (Math.floor(Date.now() / 1000) + 600) as EpochSeconds;
  await world.at.server.commit(
    () => Promise.resolve(),
    () => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [{ kind: 'revocation.emit', event: { kind: 'family', id, exp } }],
    }),
  );
  await expect.poll(() => world.verifier.status().revocations).toBe(before + 1);
  expect(await isAccepted(access)).toBe(true);
});
