import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { ResourceIdentifier, Sha256 } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import { beforeEach, describe, expect, test } from 'vitest';
import { transact } from '../transact.ts';
import type { Write } from '../write.ts';
import type { ApiKey } from './api-key.ts';
import { type CreateApiKeyCommand, decideCreateApiKey, loadCreateApiKey } from './create-api-key.ts';
import { decideEndApiKey, decideEndLeakedApiKey, decideGiveBackApiKey } from './end-api-key.ts';
import { apiKeyEnd, loadApiKey } from './life.ts';
import { decideRotateApiKey, loadOwnedApiKey } from './rotate-api-key.ts';
import { apiKeyTerms } from './terms.ts';
import { type ApiKeyChanges, decideUpdateApiKey, loadUpdateApiKey } from './update-api-key.ts';

const { account, client } = { account: row.account(1), client: row.client(1) };
const mailbox = { ...row.identifier(1, 'a@example.com'), kind: 'email' as const };
const resource = row.resource(1, { identifier: row.API });
const administrator = { id: 'cli_admin', scope: ['api_keys:write', 'accounts:write'] };
/** Who makes keys, but writes no accounts. */
const operator = { id: 'cli_operator', scope: ['api_keys:write'] };
const DAY = 86_400_000;
const exp = NOW / 1000 + DURATIONS.eventRetention;
const changed = (id: string) => ({ kind: 'revocation.emit', event: { kind: 'changed', id, exp } });
const notice = (kind: string) => ({
  kind: 'outbox.enqueue',
  message: { topic: 'account_notice', body: { notice: kind, to: 'a@example.com', language: 'en' }, at: NOW },
});
const audited = (event: string, detail: object, actor = 'cli_admin', kind = 'audit.append') => ({
  kind,
  entry: { at: NOW, event, actor, subject: { api_key: row.idOf('key', 1), account: account.id }, detail },
});

const create: CreateApiKeyCommand = {
  administrator,
  id: row.idOf('key', 1),
  owner: account.id,
  environment: 'live',
  name: 'Import',
  resource: row.API,
  scope: ['read', 'read'],
  tenant: undefined,
  networks: ['192.0.2.0/24', '192.0.2.0/24'],
  quota: { uses: 10, period: 'day' },
  rate: { limit: 5, seconds: 60 },
  metadata: { team: 'billing' },
  expiresAt: row.after(90 * DAY),
  secretHash: 'secret' as Sha256,
  adminApi: row.ADMIN_API,
  language: 'en',
};
const made: ApiKey = {
  id: create.id,
  version: 1,
  owner: account.id,
  environment: 'live',
  name: 'Import',
  resource: row.API,
  scope: ['read'],
  tenant: undefined,
  networks: ['192.0.2.0/24'],
  quota: { uses: 10, period: 'day' },
  rate: { limit: 5, seconds: 60 },
  metadata: { team: 'billing' },
  secretHash: 'secret' as Sha256,
  previous: undefined,
  createdAt: NOW,
  expiresAt: row.after(90 * DAY),
  pos: { epoch: NOW / 1000, seq: 0 },
  ended: undefined,
};

let store: MemoryStore;
beforeEach(async () => {
  store = createMemoryStore({ now: () => NOW });
  await put(
    store,
    { kind: 'account.create', account, identifiers: [mailbox] },
    { kind: 'account.create', account: row.account(2), identifiers: [] },
    { kind: 'client.create', client },
    { kind: 'resource.create', resource },
    { kind: 'resource.create', resource: row.resource(2, { identifier: row.ADMIN_API, builtIn: true }) },
    { kind: 'role.grant', role: { accountId: row.idOf('acc', 2), resource: row.ADMIN_API, role: 'admin' } },
  );
});

const putKey = (more: Partial<ApiKey> = {}) =>
  put(store, { kind: 'api_key.create', key: { ...made, ...more, id: more.id ?? made.id } });
const end = (id = made.id): Write => ({
  kind: 'api_key.end',
  id,
  ended: { at: NOW, reason: 'ended_by_administrator', by: 'cli_admin' },
});

describe('a new key', () => {
  const decided = (more: Partial<CreateApiKeyCommand> = {}) =>
    transact(
      store,
      (read, moment) => loadCreateApiKey(read, { ...create, ...more }, moment),
      (facts, moment) => decideCreateApiKey(facts, { ...create, ...more }, moment),
    );
  const outcome = async (more: Partial<CreateApiKeyCommand>) => {
    const result = (await decided(more)).outcome;
    return result.ok ? 'made' : result.error;
  };

  test('APK-03: it has an owner, a resource, scopes, networks and an end; the owner is told', async () => {
    const { outcome: result, writes } = await decided();
    expect(result).toEqual({ ok: true, value: made });
    expect(writes).toEqual([
      { kind: 'api_key.create', key: made },
      audited('api_key.created', { resource: row.API, name: 'Import', environment: 'live' }),
      notice('api_key_created'),
    ]);
  });

  test('a key of a client tells nobody by mail', async () => {
    const { writes } = await decided({ owner: client.id, scope: [] });
    expect(writes).toMatchObject([
      { kind: 'api_key.create', key: { owner: client.id, scope: [] } },
      { kind: 'audit.append', entry: { subject: { api_key: made.id, client: client.id } } },
    ]);
    expect(writes.length).toBe(2);
  });

  test('APK-06: its owner lives', async () => {
    expect(await outcome({ owner: row.idOf('acc', 9) })).toBe('api_key_owner_unknown');
    expect(await outcome({ owner: row.idOf('cli', 9) })).toBe('api_key_owner_unknown');
    await put(store, { kind: 'account.disable', id: account.id, at: NOW });
    await put(store, { kind: 'client.delete', id: client.id, at: NOW });
    expect(await outcome({})).toBe('api_key_owner_unknown');
    expect(await outcome({ owner: client.id })).toBe('api_key_owner_unknown');
  });

  test('nobody makes one for who may do more, nor for the server itself', async () => {
    expect(await outcome({ owner: row.idOf('acc', 2) })).toBe('account_outranks');
    expect(await outcome({ resource: row.ADMIN_API })).toBe('built_in');
    expect(await outcome({ resource: 'https://none.example' as ResourceIdentifier })).toBe('resource_unknown');
    expect(await outcome({ scope: ['read', 'admin'] })).toBe('api_key_scope_unknown');
  });

  test('RFC 9700 §2.3: who may not write accounts makes none for somebody else’s: they would become that person', async () => {
    expect(await outcome({ administrator: operator })).toBe('scope_insufficient');
    expect(await outcome({ administrator: operator, owner: client.id })).toBe('made');
    const oneself = { ...operator, id: account.id };
    expect(await outcome({ administrator: oneself, id: row.idOf('key', 2) })).toBe('made');
  });

  test('APK-03: it lives for 730 days at most, and is not over when it begins', async () => {
    const max = DURATIONS.apiKeyMax * 1000;
    const at = (...times: readonly number[]) =>
      Promise.all(times.map((time) => outcome({ expiresAt: row.after(time) })));
    expect(await at(-1, 0)).toEqual(['api_key_expiry_invalid', 'api_key_expiry_invalid']);
    expect(await outcome({ expiresAt: row.after(max + 1) })).toBe('api_key_expiry_invalid');
    expect(await outcome({ expiresAt: row.after(max), id: row.idOf('key', 2) })).toBe('made');
    expect(await outcome({ expiresAt: row.after(1), id: row.idOf('key', 3) })).toBe('made');
  });

  test('each of its terms has limits, one past which it is refused', async () => {
    const long = 'x'.repeat(LIMITS.nameMax + 1);
    const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`n${n}`, 'v']));
    const networks = (count: number) => Array.from({ length: count }, (_, n) => `192.0.2.${n}/32`);
    const uses = LIMITS.apiKeyUsesMax;
    const most = {
      name: long.slice(1),
      tenant: long.slice(1),
      networks: networks(LIMITS.apiKeyNetworksMax),
      metadata: { ...entries(LIMITS.apiKeyMetadataMax), n0: 'v'.repeat(LIMITS.apiKeyMetadataTextMax) },
      quota: { uses, period: 'hour' },
      rate: { limit: uses, seconds: DURATIONS.apiKeyRateMax },
    } as const;
    expect(await outcome(most)).toBe('made');
    const beyond: readonly Partial<CreateApiKeyCommand>[] = [
      { name: '' },
      { name: ' ' },
      { name: long },
      { tenant: '' },
      { tenant: long },
      { metadata: entries(LIMITS.apiKeyMetadataMax + 1) },
      { metadata: { n: 'v'.repeat(LIMITS.apiKeyMetadataTextMax + 1) } },
      { metadata: { 'a name': 'v' } },
      { metadata: { ['n'.repeat(65)]: 'v' } },
      { quota: { uses: 0, period: 'day' } },
      { quota: { uses: 1.5, period: 'day' } },
      { quota: { uses: uses + 1, period: 'day' } },
      { rate: { limit: 0, seconds: 1 } },
      { rate: { limit: uses + 1, seconds: 1 } },
      { rate: { limit: 1, seconds: 0 } },
      { rate: { limit: 1, seconds: DURATIONS.apiKeyRateMax + 1 } },
    ];
    for (const more of beyond) expect([more, await outcome(more)]).toEqual([more, 'api_key_terms_invalid']);
    expect(await outcome({ networks: ['192.0.2.1/24'] })).toBe('api_key_network_invalid');
    expect(await outcome({ networks: networks(LIMITS.apiKeyNetworksMax + 1) })).toBe('api_key_network_invalid');
    expect(await outcome({ quota: undefined, rate: undefined, id: row.idOf('key', 2) })).toBe('made');
  });

  test('an owner has 100 live keys at most; those that are over do not count', async () => {
    for (let n = 1; n < LIMITS.apiKeysPerOwnerMax; n++) await putKey({ id: row.idOf('key', n) });
    await putKey({ id: row.idOf('key', 300), expiresAt: NOW });
    expect(await outcome({ id: row.idOf('key', 400) })).toBe('made');
    expect(await outcome({ id: row.idOf('key', 401) })).toBe('limit_reached');
    await put(store, end(row.idOf('key', 1)));
    expect(await outcome({ id: row.idOf('key', 401) })).toBe('made');
  });
});

describe('other terms of a key', () => {
  const decided = (changes: ApiKeyChanges, id = made.id, by = administrator) => {
    const command = { administrator: by, id, changes, adminApi: row.ADMIN_API };
    return transact(
      store,
      (read, moment) => loadUpdateApiKey(read, command, moment),
      (facts, moment) => decideUpdateApiKey(facts, command, moment),
    );
  };
  const outcome = async (changes: ApiKeyChanges, id = made.id) => {
    const result = (await decided(changes, id)).outcome;
    return result.ok ? 'changed' : result.error;
  };
  beforeEach(() => putKey());

  test('APK-03: less or more of it is known to every verifier at once', async () => {
    const key = { ...made, version: 2, scope: ['write'], networks: [], expiresAt: row.after(1) };
    const { outcome: result, writes } = await decided({
      scope: ['write', 'write'],
      networks: [],
      expiresAt: row.after(1),
    });
    expect(result).toEqual({ ok: true, value: key });
    expect(writes).toEqual([
      { kind: 'api_key.update', key },
      changed(made.id),
      audited('api_key.updated', { changed: 'expiresAt networks scope' }),
    ]);
    for (const more of [{ quota: undefined }, { rate: undefined }, { tenant: 'north' }] as const)
      expect((await decided(more)).writes).toContainEqual(changed(made.id));
  });

  test('what verifiers do not know of, they are not told of', async () => {
    expect((await decided({ name: 'Export', metadata: {} })).writes).toEqual([
      { kind: 'api_key.update', key: { ...made, version: 2, name: 'Export', metadata: {} } },
      audited('api_key.updated', { changed: 'metadata name' }),
    ]);
  });

  test('APK-06: with a new owner it dies with that one, and not with the one before', async () => {
    await put(store, {
      kind: 'revocation.emit',
      event: { kind: 'subject', id: row.idOf('acc', 3), exp: exp as never },
    });
    const { outcome: result, writes } = await decided({ owner: client.id });
    const key = { ...made, version: 2, owner: client.id, pos: { epoch: NOW / 1000, seq: 1 } };
    expect(result).toEqual({ ok: true, value: key });
    expect(writes).toContainEqual(changed(made.id));
    expect(await outcome({ owner: row.idOf('acc', 9) })).toBe('api_key_owner_unknown');
    expect(await outcome({ owner: row.idOf('acc', 2) })).toBe('account_outranks');
    for (let n = 1; n <= LIMITS.apiKeysPerOwnerMax; n++) await putKey({ id: row.idOf('key', n + 1) });
    expect(await outcome({ owner: account.id })).toBe('limit_reached');
    expect(await outcome({ owner: client.id })).toBe('changed');
  });

  test('RFC 9700 §2.3: who may not write accounts changes no key of somebody else, nor makes one theirs', async () => {
    expect((await decided({ name: 'x' }, made.id, operator)).outcome).toMatchObject({ error: 'scope_insufficient' });
    const ofClient = row.idOf('key', 2);
    await putKey({ id: ofClient, owner: client.id });
    const moved = { owner: account.id };
    expect((await decided(moved, ofClient, operator)).outcome).toMatchObject({ error: 'scope_insufficient' });
    expect((await decided({ name: 'x' }, ofClient, operator)).outcome.ok).toBe(true);
  });

  test('it is checked like a new one, but for scopes that the resource has forgotten', async () => {
    expect(await outcome({ name: '' })).toBe('api_key_terms_invalid');
    expect(await outcome({ scope: ['admin'] })).toBe('api_key_scope_unknown');
    await put(store, { kind: 'resource.update', resource: { ...resource, version: 2, scope: ['write'] } });
    expect(await outcome({ name: 'Export' })).toBe('changed');
    expect(await outcome({ scope: ['read'] })).toBe('api_key_scope_unknown');
  });

  test('a key that is over, or that there is none of, stays so', async () => {
    expect(await outcome({ name: 'x' }, row.idOf('key', 9))).toBe('not_found');
    await putKey({ id: row.idOf('key', 2), expiresAt: NOW });
    expect(await outcome({ expiresAt: row.after(DAY) }, row.idOf('key', 2))).toBe('api_key_over');
    await putKey({ id: row.idOf('key', 3), resource: 'https://none.example' as ResourceIdentifier });
    expect(await outcome({ name: 'x' }, row.idOf('key', 3))).toBe('resource_unknown');
    await put(store, end());
    expect(await outcome({ name: 'x' })).toBe('api_key_over');
    await put(store, { kind: 'account.disable', id: account.id, at: NOW });
    expect(await outcome({ name: 'x' }, row.idOf('key', 3))).toBe('api_key_over');
  });
});

describe('another secret of a key', () => {
  const decided = (overlapSeconds: number, id = made.id, by = administrator) => {
    const next = 'next' as Sha256;
    const command = {
      administrator: by,
      id,
      secretHash: next,
      overlapSeconds,
      adminApi: row.ADMIN_API,
      language: 'en',
    };
    return transact(
      store,
      (read, moment) => loadOwnedApiKey(read, command, moment),
      (facts, moment) => decideRotateApiKey(facts, command, moment),
    );
  };

  test('APK-03: both are good for the overlap, and verifiers ask again', async () => {
    await putKey();
    const previous = { hash: made.secretHash, until: row.after(60_000) };
    const key = { ...made, version: 2, secretHash: 'next', previous };
    const { outcome, writes } = await decided(60);
    expect(outcome).toEqual({ ok: true, value: key });
    expect(writes).toEqual([
      { kind: 'api_key.update', key },
      changed(made.id),
      audited('api_key.rotated', { overlap_seconds: 60 }),
      notice('api_key_rotated'),
    ]);
  });

  test('APK-03: without an overlap the old one is over at once', async () => {
    await putKey({ previous: { hash: 'older' as Sha256, until: row.after(1) } });
    expect((await decided(0)).outcome).toMatchObject({ ok: true, value: { secretHash: 'next', previous: undefined } });
  });

  test('RFC 9700 §2.3: none for somebody else’s key by who may not write accounts', async () => {
    await putKey();
    expect((await decided(0, made.id, operator)).outcome).toEqual({ ok: false, error: 'scope_insufficient' });
    await putKey({ id: row.idOf('key', 2), owner: client.id });
    expect((await decided(0, row.idOf('key', 2), operator)).outcome.ok).toBe(true);
  });

  test('there is none for a key that is over, nor for one of who may do more', async () => {
    expect((await decided(0)).outcome).toEqual({ ok: false, error: 'not_found' });
    await putKey({ owner: row.idOf('acc', 2) });
    expect((await decided(0)).outcome).toEqual({ ok: false, error: 'account_outranks' });
    await put(store, end());
    expect((await decided(0)).outcome).toEqual({ ok: false, error: 'api_key_over' });
  });
});

describe('the end of a key', () => {
  const ends = (reason: string, by: string) => [
    { kind: 'api_key.end', id: made.id, ended: { at: NOW, reason, by } },
    { kind: 'revocation.emit', event: { kind: 'api_key', id: made.id, exp } },
  ];
  const decided = (
    decide: (facts: Awaited<ReturnType<typeof loadOwnedApiKey>>) => ReturnType<typeof decideEndApiKey>,
  ) => transact(store, (read, moment) => loadOwnedApiKey(read, made, moment), decide);
  const moment = { now: NOW, position: made.pos, catalogue: 1 };
  const byAdministrator = () =>
    decided((facts) => decideEndApiKey(facts, { id: made.id, by: 'cli_admin', language: 'en' }, moment));
  const byReport = () => decided((facts) => decideEndLeakedApiKey(facts, { language: 'en' }, moment));

  test('by an administrator: once, at every reader', async () => {
    expect((await byAdministrator()).outcome).toEqual({ ok: false, error: 'not_found' });
    await putKey();
    expect((await byAdministrator()).writes).toEqual([
      ...ends('ended_by_administrator', 'cli_admin'),
      audited('api_key.ended', { reason: 'ended_by_administrator' }),
      notice('api_key_ended'),
    ]);
    expect(await byAdministrator()).toMatchObject({ outcome: { value: 'was_over' }, writes: [] });
  });

  test('one that has expired is over; one whose owner is disabled can still be ended', async () => {
    await putKey({ expiresAt: NOW });
    expect(await byAdministrator()).toMatchObject({ outcome: { value: 'was_over' }, writes: [] });
    await put(store, { kind: 'api_key.update', key: { ...made, version: 2 } });
    await put(store, { kind: 'account.disable', id: account.id, at: NOW });
    expect((await byAdministrator()).outcome).toEqual({ ok: true, value: 'ended' });
  });

  test('by a report of a leak: it is an alert, and the owner is told', async () => {
    expect(await byReport()).toMatchObject({ outcome: { value: 'was_over' }, writes: [] });
    await putKey();
    expect((await byReport()).writes).toEqual([
      ...ends('leaked', 'server'),
      audited('api_key.leaked', {}, 'server', 'alert.raise'),
      notice('api_key_leaked'),
    ]);
    expect(await byReport()).toMatchObject({ outcome: { value: 'was_over' }, writes: [] });
  });

  test('by the client that owns it, and by no other', async () => {
    const { id, version, authentication, grantTypes } = client;
    const proved = { id, version, authentication, grantTypes };
    const give = (by = proved) =>
      transact(
        store,
        (read, at) => loadOwnedApiKey(read, made, at),
        (facts, at) => decideGiveBackApiKey(facts, by, at),
      );
    expect((await give()).outcome).toEqual({ ok: true, value: 'nothing_to_revoke' });
    await putKey({ owner: client.id });
    expect((await give({ ...proved, id: row.idOf('cli', 2) })).outcome).toEqual({
      ok: false,
      error: 'token_of_other_client',
    });
    expect((await give({ ...proved, version: 9 })).outcome).toEqual({ ok: false, error: 'client_changed' });
    const { outcome, writes } = await give();
    expect(outcome).toEqual({ ok: true, value: 'revoked' });
    expect(writes).toEqual([
      ...ends('revoked_by_client', client.id),
      {
        kind: 'audit.append',
        entry: {
          at: NOW,
          event: 'api_key.ended',
          actor: client.id,
          subject: { api_key: made.id, client: client.id },
          detail: { reason: 'revoked_by_client' },
        },
      },
    ]);
    expect((await give()).outcome).toEqual({ ok: true, value: 'nothing_to_revoke' });
  });
});

describe('whether a key lives', () => {
  const life = async (at = 0) => {
    const found = await loadApiKey(store.read, made.id);
    return found === undefined ? 'none' : apiKeyEnd(found, row.after(at));
  };

  test('APK-03: until it expires, to the millisecond', async () => {
    expect(await life()).toBe('none');
    expect(await loadApiKey(store.read, 'key_x')).toBe(undefined);
    await putKey({ expiresAt: row.after(1000) });
    expect([await life(999), await life(1000), await life(1001)]).toEqual([
      undefined,
      'api_key_expired',
      'api_key_expired',
    ]);
    await put(store, end());
    expect([await life(0), await life(1000)]).toEqual(['api_key_ended', 'api_key_ended']);
  });

  test('APK-06: it dies with its account at once, and does not come back with it', async () => {
    await putKey();
    const cutOff: Write = {
      kind: 'revocation.emit',
      event: { kind: 'subject', id: account.id, exp: exp as never },
    };
    await put(store, { kind: 'account.disable', id: account.id, at: NOW }, cutOff);
    expect(await life()).toBe('api_key_owner_ended');
    await put(store, { kind: 'account.enable', id: account.id });
    expect(await life()).toBe('api_key_owner_ended');
    await put(store, { kind: 'api_key.update', key: { ...made, version: 2, pos: { epoch: NOW / 1000, seq: 1 } } });
    expect(await life()).toBe(undefined);
  });

  test('APK-06: it dies with its client', async () => {
    await putKey({ owner: client.id });
    expect(await life()).toBe(undefined);
    await put(store, { kind: 'client.delete', id: client.id, at: NOW });
    expect(await life()).toBe('api_key_owner_ended');
  });
});

test('APK-03: verifiers are told from where a key may be used, where that matters', () => {
  expect(apiKeyTerms(made)).toEqual({ environment: 'live', networks: ['192.0.2.0/24'] });
  expect(apiKeyTerms({ ...made, networks: [], environment: 'test' })).toEqual({ environment: 'test' });
});
