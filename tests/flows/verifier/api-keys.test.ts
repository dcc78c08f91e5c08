import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { Write } from '@latchkey/domain/write';
import { later, seconds } from '@latchkey/protocol/types';
import { addApiKey } from '@latchkey/testkit/api-keys';
import type { Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiWorld, bearer, startApi, untilRefused } from './api.ts';

let world: ApiWorld;
let verifier: Verifier;
beforeAll(async () => {
  world = await startApi({ name: 'keys', apiKeys: {} });
  verifier = world.verifier;
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

test('networks hold for the address that the framework tells', async () => {
  const { text } = await addKey({ networks: ['192.0.2.0/24'] });
  const from = (address: string) => verifier.authenticate({ ...bearer(text), address });
  expect([(await from('192.0.2.9')).ok, (await from('198.51.100.9')).ok]).toEqual([true, false]);
});
