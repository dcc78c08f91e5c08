import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { Write } from '@latchkey/domain/write';
import { later, seconds } from '@latchkey/protocol/types';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { addClient, form } from '@latchkey/testkit/test-server';
import type { Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { type ApiWorld, bearer, startApi, untilRefused } from './api.ts';

let world: ApiWorld;
let verifier: Verifier;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await startApi({ name: 'keys', apiKeys: {} });
  verifier = world.verifier;
  admin = await addAdministrator(world.at);
});
afterAll(() => world.close());

const addKey = (more: Partial<ApiKey> = {}) =>
  addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, scope: ['read'], ...more });
const commit = (writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => ({ outcome: { ok: true, value: undefined }, expects: [], writes }),
  );

test('a key of the server is let in, and from then on without asking', async () => {
  const { row, text } = await addKey();
  expect(await verifier.verify(text)).toMatchObject({
    ok: true,
    value: {
      principal: { kind: 'account', subject: world.accountId },
      scope: ['read'],
      credential: 'api_key',
      apiKey: { id: row.id, environment: 'live', networks: [], isLimited: false },
    },
  });
  expect(verifier.verifyNow(text)?.ok).toBe(true);
});

test('APK-06: a key that ended is refused as soon as the feed has told it', async () => {
  const { row, text } = await addKey();
  expect((await verifier.verify(text)).ok).toBe(true);
  const { now } = await world.at.server.store.read.moment();
  await commit([
    { kind: 'api_key.end', id: row.id, ended: { at: now, reason: 'ended_by_administrator', by: 'server' } },
    { kind: 'revocation.emit', event: { kind: 'api_key', id: row.id, exp: seconds(later(now, 3_780_000)) } },
  ]);
  expect(await untilRefused(verifier, text)).toEqual({ ok: false, error: 'token_revoked' });
});

test('APK-05, APK-06: a token that was made of a key is verified locally, and dies with the key and with its owner', async () => {
  const client = await addClient(world.at.server);
  const [first, second] = [await addKey(), await addKey({ owner: client.row.id })];
  const exchanged = async (token: string): Promise<string> => {
    const asked = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:latchkey:params:oauth:token-type:api_key',
    };
    return (await (await world.at.fetch('/oauth/token', form(asked))).json()).access_token;
  };
  const [one, two] = [await exchanged(first.text), await exchanged(second.text)];
  const principal = { kind: 'account', subject: world.accountId };
  expect(await verifier.verify(one)).toMatchObject({ ok: true, value: { principal, credential: 'jwt' } });
  expect((await verifier.verify(two)).ok).toBe(true);
  const { now } = await world.at.server.store.read.moment();
  const exp = seconds(later(now, 3_780_000));
  await commit([{ kind: 'revocation.emit', event: { kind: 'api_key', id: first.row.id, exp } }]);
  expect(await untilRefused(verifier, one)).toEqual({ ok: false, error: 'token_revoked' });
  expect((await verifier.verify(two)).ok).toBe(true);
  await commit([{ kind: 'revocation.emit', event: { kind: 'client', id: client.row.id, exp } }]);
  expect(await untilRefused(verifier, two)).toEqual({ ok: false, error: 'token_revoked' });
});

test('a role that the owner loses is not believed of a key any more as soon as the feed has told of it', async () => {
  const role = { accountId: world.accountId, resource: world.api.row.identifier, role: 'editor' } as const;
  await commit([{ kind: 'role.grant', role }]);
  const { text } = await addKey();
  const rolesNow = async () => {
    const verified = await verifier.verify(text);
    return verified.ok ? verified.value.roles : verified.error;
  };
  expect(await rolesNow()).toEqual(['editor']);
  const asked = new URLSearchParams({ resource: role.resource, role: role.role });
  expect((await admin.delete(`/accounts/${world.accountId}/roles?${asked}`)).status).toBe(204);
  await vi.waitFor(async () => expect(await rolesNow()).toEqual([]), { timeout: 5_000 });
});

test('networks hold for the address that the framework tells', async () => {
  const { text } = await addKey({ networks: ['192.0.2.0/24'] });
  const from = (address: string) => verifier.authenticate({ ...bearer(text), address });
  expect([(await from('192.0.2.9')).ok, (await from('198.51.100.9')).ok]).toEqual([true, false]);
});

describe('while its verifier is connected', () => {
  const makeKey = () =>
    admin.post('/api-keys', { owner: world.accountId, name: 'Import', resource: world.api.row.identifier });

  test('APK-03: a rotated key has two secrets for as long as they overlap; then the old one is none', async () => {
    const exact = await world.addVerifier({ apiKeys: {}, leewaySeconds: 0 });
    const { body: key } = await makeKey();
    expect((await exact.verify(key.secret)).ok).toBe(true);
    const { body: next } = await admin.post(`/api-keys/${key.id}/rotate`, { overlap_seconds: 2 });
    // the answer that was kept spoke of the whole life of the key: it is asked about again, and told a nearer end
    await expect.poll(() => exact.verifyNow(key.secret), { interval: 5 }).toBeUndefined();
    expect([(await exact.verify(key.secret)).ok, (await exact.verify(next.secret)).ok]).toEqual([true, true]);
    expect(await untilRefused(exact, key.secret)).toEqual({ ok: false, error: 'token_expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(next.previous_secret_ends_at));
    expect(exact.verifyNow(next.secret)?.ok).toBe(true);
  });

  test('APK-03: a key that leaked is rotated without an overlap, and its old secret is none at once', async () => {
    const { body: key } = await makeKey();
    expect((await verifier.verify(key.secret)).ok).toBe(true);
    const next = await admin.post(`/api-keys/${key.id}/rotate`, { overlap_seconds: 0 });
    await expect.poll(async () => (await verifier.verify(key.secret)).ok, { interval: 5 }).toBe(false);
    expect((await verifier.verify(next.body.secret)).ok).toBe(true);
  });

  test('APK-03: what a key may do is what it may do now', async () => {
    const { row, text } = await addKey({ scope: ['read', 'write'] });
    const scope = async () => {
      const result = await verifier.verify(text);
      return result.ok ? result.value.scope : result.error;
    };
    expect(await scope()).toEqual(['read', 'write']);
    expect((await admin.patch(`/api-keys/${row.id}`, { scopes: ['read'] })).status).toBe(200);
    await expect.poll(scope, { interval: 5 }).toEqual(['read']);
    expect((await admin.patch(`/api-keys/${row.id}`, { networks: ['192.0.2.0/24'] })).status).toBe(200);
    await expect.poll(scope, { interval: 5 }).toBe('api_key_network_refused');
  });
});
