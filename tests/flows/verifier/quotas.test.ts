import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { periodOf } from '@latchkey/domain/api-keys/quota';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { Timers } from '@latchkey/protocol/timers';
import { addApiKey } from '@latchkey/testkit/api-keys';
import type { Verifier, VerifierOptions } from '@latchkey/verifier';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiWorld, bearer, startApi } from './api.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startApi({ apiKeys: {} });
});
afterAll(() => world.close());

const addKey = (more: Partial<ApiKey>) =>
  addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, scope: ['read'], ...more });
const quota = (uses: number) => ({ quota: { uses, period: 'month' } }) as const;
/** What of a key's quota is debited at the server. */
async function spent({ row: { id } }: { readonly row: ApiKey }): Promise<number> {
  const { read } = world.at.server.store;
  return read.quotaSpent(id, periodOf('month', (await read.moment()).now).startsAt);
}

/** A verifier that counts its requests to the server, by path, and whose reports do not wait for ten seconds. */
async function addVerifier(options: Partial<VerifierOptions> = {}) {
  const asked: Record<string, number> = {};
  const timers: Timers = {
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
    inBackground(milliseconds, action) {
      const timer = setTimeout(action, milliseconds === DURATIONS.verifierReport * 1000 ? 20 : milliseconds).unref();
      return () => clearTimeout(timer);
    },
  };
  const verifier = await world.addVerifier({
    apiKeys: {},
    timers,
    async fetch(input, init) {
      const answer = await fetch(input, init);
      const { pathname } = new URL(String(input));
      asked[pathname] = (asked[pathname] ?? 0) + 1;
      return answer;
    },
    ...options,
  });
  return { verifier, asked: (path: string) => asked[path] ?? 0 };
}
async function use(verifier: Verifier, text: string): Promise<string> {
  const result = await verifier.authenticate(bearer(text));
  return result.ok ? 'ok' : result.error.error;
}
async function uses(verifier: Verifier, text: string, times: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let n = 0; n < times; n++) seen.push(await use(verifier, text));
  return seen;
}
const allowed = (seen: readonly string[]): number => seen.filter((one) => one === 'ok').length;

test('of a quota of 100 three verifiers allow 100 uses and no more, and then say when it begins anew', async () => {
  const key = await addKey(quota(100));
  const verifiers = [await addVerifier(), await addVerifier(), await addVerifier()];
  const seen: string[] = [];
  const last: string[] = [];
  for (const { verifier } of verifiers) seen.push(...(await uses(verifier, key.text, 20)));
  // at the same time, as those of a real API do
  for (let round = 0; round < 10; round++)
    seen.push(
      ...(await Promise.all(verifiers.flatMap(({ verifier }) => [0, 1, 2].map(() => use(verifier, key.text))))),
    );
  for (const { verifier } of verifiers) last.push(await use(verifier, key.text));
  expect([allowed(seen), await spent(key)]).toEqual([100, 100]);
  expect(last).toEqual(['api_key_quota_exhausted', 'api_key_quota_exhausted', 'api_key_quota_exhausted']);
  expect(new Set(seen)).toEqual(new Set(['ok', 'api_key_quota_exhausted']));

  const refused = await verifiers[0]?.verifier.authenticate(bearer(key.text));
  expect(refused?.ok === false && refused.error).toMatchObject({
    status: 429,
    headers: {
      'ratelimit-policy': '"quota";q=100',
      ratelimit: expect.stringMatching(/^"quota";r=0;t=\d+$/),
      'retry-after': expect.stringMatching(/^\d+$/),
    },
  });
  const questions = verifiers.map(({ asked }) => asked('/oauth/introspect'));
  expect(questions).toEqual([1, 1, 1]);
});

test('what was lent and not used goes back when a verifier is closed, and another one lends it', async () => {
  const key = await addKey(quota(20));
  const [first, second] = [await addVerifier(), await addVerifier()];
  expect(await uses(first.verifier, key.text, 3)).toEqual(['ok', 'ok', 'ok']);
  first.verifier.close();
  await expect.poll(() => spent(key)).toBe(3);
  expect(allowed(await uses(second.verifier, key.text, 30))).toBe(17);
});

test('what a verifier that died was lent is lost to the quota, and never beyond it', async () => {
  const key = await addKey(quota(100));
  const [dead, other] = [await addVerifier(), await addVerifier()];
  expect(await use(dead.verifier, key.text)).toBe('ok');
  const lent = await spent(key);
  expect(lent).toBe(5);
  expect(allowed(await uses(other.verifier, key.text, 110))).toBe(100 - lent);
});

test('with `strict` each use is asked about, and 1 in 5 at once of 4 is not allowed', async () => {
  const key = await addKey(quota(4));
  const { verifier, asked } = await addVerifier({ apiKeys: { strict: true } });
  const seen = await Promise.all([1, 2, 3, 4, 5].map(() => use(verifier, key.text)));
  expect(seen.toSorted()).toEqual(['api_key_quota_exhausted', 'ok', 'ok', 'ok', 'ok']);
  expect([asked('/oauth/introspect'), await spent(key)]).toEqual([5, 4]);
});

test('a rate is told and kept, and 429 says when there is a use again', async () => {
  const { text } = await addKey({ rate: { limit: 5, seconds: 3_600 } });
  const { verifier } = await addVerifier();
  const first = await verifier.authenticate(bearer(text));
  expect(first.ok && first.value.headers).toEqual({
    'ratelimit-policy': '"rate";q=5;w=3600',
    ratelimit: expect.stringMatching(/^"rate";r=4;t=\d+$/),
  });
  expect(await uses(verifier, text, 6)).toEqual([
    ...Array.from({ length: 4 }, () => 'ok'),
    'api_key_rate_limited',
    'api_key_rate_limited',
  ]);
  const refused = await verifier.authenticate(bearer(text));
  expect(!refused.ok && refused.error).toMatchObject({
    status: 429,
    headers: { ratelimit: expect.stringMatching(/^"rate";r=0;t=\d+$/), 'retry-after': expect.stringMatching(/^\d+$/) },
  });
});

test('a rate is shared among the verifiers that use the key, as soon as each has told that it does', async () => {
  const { text } = await addKey({ rate: { limit: 8, seconds: 3_600 } });
  const [first, second] = [await addVerifier(), await addVerifier()];
  expect([await use(first.verifier, text), await use(second.verifier, text)]).toEqual(['ok', 'ok']);
  const told = first.asked('/reports');
  expect(await use(first.verifier, text)).toBe('ok'); // this one is in the report that hears of the other
  await expect.poll(() => first.asked('/reports')).toBeGreaterThan(told);
  await new Promise((resolve) => setTimeout(resolve, 50)); // and its answer has been read
  expect([allowed(await uses(first.verifier, text, 10)), allowed(await uses(second.verifier, text, 10))]).toEqual([
    4, 3,
  ]);
});

test('uses are counted once, whoever allowed them, and those that were refused beside them', async () => {
  const key = await addKey({ rate: { limit: 3, seconds: 3_600 } });
  const { verifier } = await addVerifier();
  await uses(verifier, key.text, 5);
  const { read } = world.at.server.store;
  const { startsAt, endsAt } = periodOf('month', (await read.moment()).now);
  const counts = async () =>
    (await read.keyUsage(key.row.id, startsAt, endsAt)).map(({ allowed: yes, refused: no }) => [yes, no]);
  await expect.poll(counts, { timeout: 5_000 }).toEqual([[3, 2]]);
});
