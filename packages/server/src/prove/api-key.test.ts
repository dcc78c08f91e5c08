import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { Reader } from '@latchkey/domain/ports/reader';
import { later, type Sha256 } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { encodeApiKey, parseApiKey } from '@latchkey/tokens/formats/api-key';
import { expect, test } from 'vitest';
import { proveApiKey } from './api-key.ts';
import { secretHash } from './secret.ts';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const text = (fill: number, number = 1, environment: 'live' | 'test' = 'live') =>
  encodeApiKey(row.idOf('key', number), environment, bytes(fill));
const hashOf = (key: string): Sha256 => {
  const parsed = parseApiKey(key);
  return secretHash(parsed.ok ? parsed.value.secret : '');
};

async function storeWith(more: Partial<ApiKey>) {
  const store = createMemoryStore({ now: () => NOW });
  const key = row.apiKey(1, { secretHash: hashOf(text(1)), expiresAt: row.after(1000), ...more });
  await put(
    store,
    { kind: 'account.create', account: row.account(1), identifiers: [] },
    { kind: 'api_key.create', key },
  );
  return store;
}
const proved = async (key: string, more: Partial<ApiKey> = {}, at = 0) => {
  const result = await proveApiKey(key, (await storeWith(more)).read, { now: row.after(at) });
  return result.ok ? result.value.goodUntil - NOW : result.error;
};

test('APK-02: a key is proved by its secret, for as long as it lives', async () => {
  expect(await proved(text(1))).toBe(1000);
  const about = { api_key: row.idOf('key', 1) };
  expect(await proved(text(2))).toEqual({ error: 'api_key_secret_wrong', about });
  expect(await proved(text(1, 2))).toEqual({ error: 'api_key_unknown', about: {} });
  expect(await proved(text(1, 1, 'test'))).toEqual({ error: 'api_key_secret_wrong', about });
  expect(await proved(text(1), {}, 1000)).toEqual({ error: 'api_key_expired', about });
  const ended = { at: NOW, reason: 'leaked', by: 'server' } as const;
  expect(await proved(text(1), { ended })).toEqual({ error: 'api_key_ended', about });
  expect(await proved(text(1), { owner: row.idOf('cli', 9) })).toEqual({ error: 'api_key_owner_ended', about });
});

test('APK-03: the secret before is good until its overlap is over, to the millisecond, and never longer than the key', async () => {
  const rotated = { secretHash: hashOf(text(2)), previous: { hash: hashOf(text(1)), until: row.after(500) } };
  const wrong = { error: 'api_key_secret_wrong', about: { api_key: row.idOf('key', 1) } };
  expect([await proved(text(1), rotated, 499), await proved(text(1), rotated, 500)]).toEqual([500, wrong]);
  expect([await proved(text(2), rotated, 499), await proved(text(2), rotated, 500)]).toEqual([1000, 1000]);
  const long = { ...rotated, previous: { hash: hashOf(text(1)), until: later(NOW, 9_000) } };
  expect(await proved(text(1), long)).toBe(1000);
});

test('APK-04: attack 6: what is no key is looked up nowhere', async () => {
  const nothing = new Proxy(Object.create(null), {
    get() {
      throw new Error('a look-up');
    },
  });
  const good = text(1);
  for (const bad of ['', ' ', 'null', 'lk_live_', good.slice(0, -1), `${good.slice(0, -1)}!`, 'x'.repeat(1_048_576)]) {
    const result = await proveApiKey(bad, nothing as Reader, { now: NOW });
    expect(result).toEqual({ ok: false, error: { error: 'api_key_malformed', about: {} } });
  }
  await expect(proveApiKey(good, nothing as Reader, { now: NOW })).rejects.toThrow('a look-up');
});
