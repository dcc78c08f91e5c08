import type { Sha256 } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import type { CreateApiKeyFacts } from './create-api-key.ts';
import {
  type CreateOwnApiKeyCommand,
  decideCreateOwnApiKey,
  decideEndOwnApiKey,
  decideRotateOwnApiKey,
} from './own-api-keys.ts';
import type { OwnedApiKeyFacts } from './rotate-api-key.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 7 }, catalogue: 1 };
const account = row.account(1);
const resource = row.resource(1, { identifier: row.API, hasSelfServiceKeys: true });
const owner = { account, client: undefined, roles: [], identifiers: [], live: 0 };
const create: CreateOwnApiKeyCommand = {
  id: row.idOf('key', 1),
  owner: account.id,
  name: 'Import',
  resource: row.API,
  scope: ['read'],
  expiresAt: row.after(90 * 86_400_000),
  secretHash: 'secret' as Sha256,
  adminApi: row.ADMIN_API,
  language: undefined,
};
const facts: CreateApiKeyFacts = { owner, resource };
const owned = (more: Partial<OwnedApiKeyFacts> = {}): OwnedApiKeyFacts => ({
  found: { key: row.apiKey(1, { owner: account.id }), account, client: undefined },
  owner,
  ...more,
});
const rotate = {
  id: row.idOf('key', 1),
  account: account.id,
  secretHash: 'next' as Sha256,
  overlapSeconds: 60,
  adminApi: row.ADMIN_API,
  language: undefined,
};

test('APK-03: a person makes a key where the resource lets people do so: without a quota, a network or notes', () => {
  const { outcome, writes } = decideCreateOwnApiKey(facts, create, moment);
  expect(outcome).toMatchObject({
    ok: true,
    value: { owner: account.id, environment: 'live', networks: [], metadata: {} },
  });
  expect(writes.map(({ kind }) => kind)).toEqual(['api_key.create', 'audit.append']);
});

test.each([
  ['one that lets nobody', { ...resource, hasSelfServiceKeys: false }],
  ['none', undefined],
] as const)('a person makes no key for a resource that does not offer it: %s', (_, of) => {
  const { outcome, writes } = decideCreateOwnApiKey({ owner, resource: of }, create, moment);
  expect([outcome, writes]).toEqual([{ ok: false, error: 'resource_unknown' }, []]);
});

test('a person gives a key of their own a new secret, and ends it', () => {
  expect(decideRotateOwnApiKey(owned(), rotate, moment).outcome.ok).toBe(true);
  const { outcome, writes } = decideEndOwnApiKey(owned(), rotate, moment);
  expect(outcome).toEqual({ ok: true, value: 'ended' });
  expect(writes.map(({ kind }) => kind)).toEqual(['api_key.end', 'revocation.emit', 'audit.append']);
  const over = { key: row.apiKey(1, { owner: account.id, expiresAt: NOW }), account, client: undefined };
  expect(decideEndOwnApiKey(owned({ found: over }), rotate, moment)).toMatchObject({
    outcome: { ok: true, value: 'was_over' },
    writes: [],
  });
});

test.each([
  ['there is none', { found: undefined, owner: undefined }],
  ['its owner is not known', { owner: undefined }],
  [
    'it is somebody else’s',
    { found: { key: row.apiKey(1, { owner: row.idOf('acc', 2) }), account, client: undefined } },
  ],
] as const)('nobody touches a key that is not theirs: %s', (_, more) => {
  expect(decideRotateOwnApiKey(owned(more), rotate, moment).outcome).toEqual({ ok: false, error: 'not_found' });
  expect(decideEndOwnApiKey(owned(more), rotate, moment).outcome).toEqual({ ok: false, error: 'not_found' });
});
