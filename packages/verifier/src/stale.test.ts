import type { EpochSeconds } from '@latchkey/protocol/types';
import {
  createStubIssuer,
  json,
  STUB_AUDIENCE,
  STUB_ISSUER,
  type StubIssuer,
  settle,
} from '@latchkey/testkit/stub-issuer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVerifier, type Verifier, type VerifierOptions } from './index.ts';
import { createIntrospector } from './introspection.ts';
import { createJudge } from './judge.ts';
import { createKeySource } from './key-source.ts';
import { createMeters } from './meters.ts';
import { configOf } from './options.ts';
import { createRefusedAnswers } from './refused-answers.ts';
import { createRevocationSet } from './revocation-set.ts';
import { createStaleness } from './staleness.ts';
import { createTokenCache } from './token-cache.ts';

const START = 1_795_000_000_000;
let stub: StubIssuer;
let verifier: Verifier;
let time: number;
let heard: string[];

beforeEach(async () => {
  stub = await createStubIssuer();
  time = 0;
  heard = [];
});
afterEach(() => verifier.close());

/** A verifier that has keys, and has not seen the log yet. */
async function made(options: Partial<VerifierOptions>): Promise<void> {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    fetch: stub.fetch,
    now: () => START + time,
    monotonic: () => time,
    onEvent: ({ event }) => heard.push(event),
    ...options,
  });
  await settle();
}
const beat = async (): Promise<void> => {
  await stub.streams[0]?.beat(START + time);
};
/** A token that is good for longer than any of these tests takes. */
const mint = (change: object = {}) => stub.mint(START / 1000, { exp: START / 1000 + 200_000, ...change });
async function answer(token: string): Promise<string> {
  const result = await verifier.verify(token);
  if (!result.ok) return result.error;
  return result.value.stale ? 'ok, stale' : 'ok';
}
/** What a verifier answers at these times after its last heartbeat. */
async function answersAt(token: string, times: readonly number[]): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const at of times) {
    time = at;
    seen.push(await answer(token));
  }
  return seen;
}

describe('when knowledge is too old', () => {
  test('10 seconds by default, counted from the request for the stream, not from its answer', async () => {
    await made({ onStale: 'reject' });
    time = 4_000; // the first heartbeat takes its time
    await beat();
    expect(await answersAt(mint(), [9_999, 10_000, 10_001])).toEqual(['ok', 'ok', 'verifier_stale']);
    expect([verifier.status().isStale, verifier.status().stalenessMilliseconds]).toEqual([true, 10_001]);
  });

  test('or as the owner says', async () => {
    await made({ onStale: 'reject', maxStalenessSeconds: 60 });
    await beat();
    expect(await answersAt(mint(), [59_999, 60_000, 60_001])).toEqual(['ok', 'ok', 'verifier_stale']);
  });

  test('a heartbeat makes it current again, as far as the server’s clock has moved on', async () => {
    await made({ onStale: 'reject' });
    await beat();
    time = 3_000;
    await stub.streams[0]?.beat(START + 2_000);
    expect(await answersAt(mint(), [12_000, 12_001])).toEqual(['ok', 'verifier_stale']);
  });

  test('events alone do not: they say nothing of those that are still to come', async () => {
    await made({ onStale: 'reject' });
    await beat();
    time = 10_001;
    await stub.streams[0]?.emit({ kind: 'family', id: 'other' });
    expect(await answer(mint())).toBe('verifier_stale');
  });

  test('before the first look at the log it knows nothing, whatever the events', async () => {
    await made({ onStale: 'reject' });
    await stub.streams[0]?.emit({ kind: 'family', id: 'other' });
    expect([await answer(mint()), verifier.status().stalenessMilliseconds]).toEqual([
      'verifier_stale',
      Number.POSITIVE_INFINITY,
    ]);
  });

  test('an event of an unknown kind may mean anything: from then on nothing is known', async () => {
    await made({ onStale: 'reject' });
    await beat();
    const token = mint();
    expect(await answer(token)).toBe('ok');
    await stub.streams[0]?.send(
      'event: revocation\nid: 7:9\ndata: {"epoch":7,"seq":9,"kind":"planet","id":"x","exp":9}\n\n',
    );
    await beat();
    expect([await answer(token), heard.filter((event) => event === 'feed_unknown_kind')]).toEqual([
      'verifier_stale',
      ['feed_unknown_kind'],
    ]);
  });

  test('a bad token is refused for what is wrong with it', async () => {
    await made({ onStale: 'reject' });
    expect([await answer('x'), await answer(mint({ aud: 'other' }))]).toEqual([
      'token_malformed',
      'token_audience_wrong',
    ]);
  });

  test('and what is known to be revoked is refused as revoked, under every policy', async () => {
    for (const onStale of ['reject', 'accept', 'introspect'] as const) {
      stub = await createStubIssuer();
      time = 0;
      await made({ onStale });
      await stub.streams[0]?.emit({ kind: 'family', id: 'fam_1' });
      await beat();
      expect(await answersAt(mint(), [0, 20_000])).toEqual(['token_revoked', 'token_revoked']);
      verifier.close();
    }
  });
});

describe('policy accept', () => {
  test('accepts for a bounded time, marked, and told of', async () => {
    await made({ onStale: 'accept', maxAcceptSeconds: 60 });
    await beat();
    expect(await answersAt(mint(), [10_000, 10_001, 69_999, 70_000, 70_001])).toEqual([
      'ok',
      'ok, stale',
      'ok, stale',
      'ok, stale',
      'verifier_stale',
    ]);
    expect(heard.filter((event) => event === 'stale_accepted')).toHaveLength(3);
  });

  test('not before the log was seen as a whole once', async () => {
    await made({ onStale: 'accept' });
    await stub.streams[0]?.emit({ kind: 'family', id: 'other' });
    expect(await answer(mint())).toBe('verifier_stale');
    await beat();
    expect(await answer(mint())).toBe('ok');
  });

  test('the mark is on that answer, not on what is kept', async () => {
    await made({ onStale: 'accept' });
    await beat();
    const token = mint();
    expect(await answersAt(token, [0, 11_000])).toEqual(['ok', 'ok, stale']);
    time = 12_000;
    await beat();
    expect(await answer(token)).toBe('ok');
  });

  test('an unknown kind counts from when it came', async () => {
    await made({ onStale: 'accept', maxAcceptSeconds: 60, maxStalenessSeconds: 3_600 });
    await beat();
    await stub.streams[0]?.send('event: planet\ndata: {}\n\n');
    expect(await answersAt(mint(), [0, 60_000, 60_001])).toEqual(['ok, stale', 'ok, stale', 'verifier_stale']);
  });
});

describe('policy introspect', () => {
  const ask = async (active: unknown, status = 200) => {
    stub.on('/introspect', () => json({ active }, status));
    return answer(mint());
  };

  test('INT-11 RFC 7662 §2.2: yes is accepted, no is revoked, and everything else is a 503', async () => {
    await made({ onStale: 'introspect' });
    expect([await ask(true), await ask(false), await ask('true'), await ask(true, 500), await ask(undefined)]).toEqual([
      'ok',
      'token_revoked',
      'verifier_stale',
      'verifier_stale',
      'verifier_stale',
    ]);
  });

  test('while the feed is current nobody is asked; when it is not, one question for one token at a time', async () => {
    await made({ onStale: 'introspect' });
    await beat();
    const token = mint();
    expect([await answer(token), stub.asks('/introspect')]).toEqual(['ok', 0]);
    time = 10_001;
    expect(verifier.verifyNow(token)).toBeUndefined();
    const answers = await Promise.all(Array.from({ length: 100 }, () => answer(token)));
    expect([new Set(answers), stub.asks('/introspect')]).toEqual([new Set(['ok']), 1]);
  });

  test('questions have a budget; beyond it the answer is 503', async () => {
    await made({ onStale: 'introspect' });
    stub.on('/introspect', async () => {
      await settle();
      return json({ active: true });
    });
    const answers = await Promise.all(Array.from({ length: 60 }, () => answer(mint())));
    const count = (wanted: string) => answers.filter((one) => one === wanted).length;
    expect([count('ok'), count('verifier_stale'), stub.asks('/introspect')]).toEqual([50, 10, 50]);
  });

  test('a token that is bad anyway is not asked about, and never leaves', async () => {
    await made({ onStale: 'introspect' });
    expect([await answer(mint({ iss: 'https://other.example' })), await answer('x')]).toEqual([
      'token_issuer_wrong',
      'token_malformed',
    ]);
    expect(stub.asks('/introspect')).toBe(0);
  });

  test('without an endpoint to ask, 503', async () => {
    stub.on('/.well-known/oauth-authorization-server', () =>
      json({ issuer: STUB_ISSUER, jwks_uri: `${STUB_ISSUER}/jwks.json` }),
    );
    await made({ onStale: 'introspect' });
    expect(await answer(mint())).toBe('verifier_stale');
  });

  test('a revocation that is heard while the server is asked holds, whatever it answers', async () => {
    await made({ onStale: 'introspect' });
    let reply: (() => void) | undefined;
    stub.on(
      '/introspect',
      () =>
        new Promise((resolve) => {
          reply = () => resolve(json({ active: true }));
        }),
    );
    const waiting = answer(mint());
    await settle();
    await stub.streams[0]?.emit({ kind: 'family', id: 'fam_1' });
    reply?.();
    expect(await waiting).toBe('token_revoked');
  });

  test('what was answered is forgotten when the feed is back', async () => {
    await made({ onStale: 'introspect' });
    const token = mint();
    expect([await answer(token), await answer(token), stub.asks('/introspect')]).toEqual(['ok', 'ok', 1]);
    await beat();
    time = 10_001;
    stub.on('/introspect', () => json({ active: false }));
    expect([await answer(token), stub.asks('/introspect')]).toEqual(['token_revoked', 2]);
  });
});

test('INT-09 RFC 9701 §8.1: an answer of introspection is no access token', async () => {
  await made({ onStale: 'reject' });
  await beat();
  const [, payload, signature] = mint().split('.');
  for (const typ of ['token-introspection+jwt', 'application/token-introspection+jwt', 'TOKEN-INTROSPECTION+JWT']) {
    const head = { alg: 'ES256', kid: stub.key.jwk.kid, typ };
    const token = `${Buffer.from(JSON.stringify(head)).toString('base64url')}.${payload}.${signature}`;
    const result = await verifier.authenticate({
      method: 'GET',
      header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
    });
    expect(result).toMatchObject({
      ok: false,
      error: { error: 'token_type_wrong', status: 401, body: { error: 'invalid_token' } },
    });
  }
});

describe('a set of revocations that is full cannot tell what it had no room for', () => {
  test.each([
    ['reject', 'verifier_stale'],
    ['accept', 'verifier_stale'],
    ['introspect', 'token_revoked'],
  ] as const)('policy %s', async (onStale, expected) => {
    await made({ onStale });
    stub.on('/introspect', () => json({ active: false }));
    const config = configOf({
      issuer: STUB_ISSUER,
      audience: STUB_AUDIENCE,
      credentials: { id: 'res_1', secret: 'x' },
      onStale,
      fetch: stub.fetch,
      now: () => START + time,
      monotonic: () => time,
    });
    const keys = createKeySource(config, () => {});
    await keys.ready();
    const staleness = createStaleness(config.monotonic, config.maxStalenessSeconds);
    staleness.requested()(START);
    const revocations = createRevocationSet(config.monotonic, 1);
    const judge = createJudge(config, {
      keys,
      staleness,
      revocations,
      cache: createTokenCache(10),
      introspector: createIntrospector(config),
      refusedAnswers: createRefusedAnswers(config.monotonic),
      meters: createMeters({ ...config, isStrict: false }),
      unknown: { since: undefined },
    });
    const token = mint();
    const event = { epoch: 7, seq: 101, kind: 'token', exp: (START / 1000 + 600) as EpochSeconds } as const;
    revocations.add({ ...event, id: 'a' });
    expect([(await judge.later(token)).ok, judge.isStale()]).toEqual([true, false]);
    revocations.add({ ...event, id: 'b' });
    expect([await judge.later(token), judge.isStale()]).toEqual([{ ok: false, error: expected }, true]);
    keys.close();
  });
});
