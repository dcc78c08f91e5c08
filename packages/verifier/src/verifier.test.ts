import type { EpochSeconds } from '@latchkey/protocol/types';
import {
  createStubIssuer,
  json,
  STUB_AUDIENCE,
  STUB_ISSUER,
  type StubIssuer,
  settle,
} from '@latchkey/testkit/stub-issuer';
import { generateSigningKey } from '@latchkey/tokens/keys/generate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVerifier, type Verifier, type VerifierOptions } from './index.ts';

const START = 1_795_000_000_000;
let stub: StubIssuer;
let verifier: Verifier;
/** The time of the verifier and of the server; `monotonic` is the same unless a test sets the clock. */
let now: number;
let monotonic: number;
let heard: string[];

beforeEach(async () => {
  stub = await createStubIssuer();
  now = START;
  monotonic = 0;
  heard = [];
});
afterEach(() => verifier.close());

/** A verifier that has seen the log as a whole. */
async function made(options: Partial<VerifierOptions> = {}): Promise<void> {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    fetch: stub.fetch,
    now: () => now,
    monotonic: () => monotonic,
    onEvent: ({ event }) => heard.push(event),
    ...options,
  });
  await settle();
  await stub.streams[0]?.beat(now);
  await verifier.ready();
}
function pass(milliseconds: number): void {
  now += milliseconds;
  monotonic += milliseconds;
}
const mint = (change: object = {}) => stub.mint(Math.floor(now / 1000), change);
async function answer(token: string): Promise<string> {
  const result = await verifier.verify(token);
  if (!result.ok) return result.error;
  return result.value.stale ? 'ok, stale' : 'ok';
}
const emit: StubIssuer['streams'][number]['emit'] = async (event) => {
  await stub.streams.at(-1)?.emit(event);
};

test('a token is verified without asking anybody: keys once, one stream, and no more', async () => {
  await made();
  for (let n = 0; n < 100; n++) expect(await answer(mint({ jti: `tok_${n}` }))).toBe('ok');
  expect(stub.asked.toSorted()).toEqual(['/.well-known/oauth-authorization-server', '/jwks.json', '/revocations']);
  expect(verifier.status()).toEqual({
    feed: 'connected',
    stalenessMilliseconds: 0,
    isStale: false,
    keys: [stub.key.jwk.kid],
    revocations: 0,
    cachedTokens: 100,
  });
});

test('what is granted is the claims, the principal, scope and roles', async () => {
  await made();
  const result = await verifier.verify(mint({ jti: 'tok_1', roles: ['clerk'] }));
  const iat = START / 1000;
  expect(result).toEqual({
    ok: true,
    value: {
      principal: { kind: 'account', issuer: STUB_ISSUER, subject: 'acc_1' },
      claims: {
        iss: STUB_ISSUER,
        sub: 'acc_1',
        aud: STUB_AUDIENCE,
        client_id: 'cli_1',
        jti: 'tok_1',
        iat,
        exp: iat + 300,
        pos: '7:100',
        sid: 'ses_1',
        fid: 'fam_1',
        scope: 'read write',
        roles: ['clerk'],
      },
      scope: ['read', 'write'],
      roles: ['clerk'],
      permissions: [],
      stale: false,
      credential: 'jwt',
    },
  });
});

describe('a token that was verified once is asked about again at every use', () => {
  test('NUM-06: it expires, 29, 30 and 31 seconds after its exp', async () => {
    await made();
    const token = mint();
    expect(await answer(token)).toBe('ok');
    now += 300_000;
    const seen: unknown[] = [];
    for (const step of [29_999, 1, 1_000]) {
      now += step;
      seen.push([await answer(token), verifier.status().cachedTokens]);
    }
    expect(seen).toEqual([
      ['ok', 1],
      ['token_expired', 0],
      ['token_expired', 0],
    ]);
  });

  test('a clock that goes back makes it not yet valid, as if it had never been seen; forth again, good', async () => {
    await made();
    const token = mint({ nbf: START / 1000 });
    expect(await answer(token)).toBe('ok');
    const seen: string[] = [];
    for (const step of [-30_000, -1_000, 1_000, -3_600_000, 3_630_000]) {
      now += step;
      seen.push(await answer(token));
    }
    expect(seen).toEqual(['ok', 'token_not_yet_valid', 'ok', 'token_not_yet_valid', 'ok']);
  });

  test('a clock that goes ahead and back again brings back the token, and none that was revoked', async () => {
    await made();
    const [good, bad] = [mint(), mint({ jti: 'bad' })];
    await answer(good);
    await emit({ kind: 'token', id: 'bad', exp: (START / 1000 + 3_780) as EpochSeconds });
    now += 86_400_000;
    for (let beat = 0; beat < 40; beat++) {
      monotonic += 2_000;
      await stub.streams[0]?.beat(START + monotonic); // what is over is forgotten now and then
    }
    expect([await answer(good), await answer(bad)]).toEqual(['token_expired', 'token_expired']);
    now -= 86_400_000;
    expect([await answer(good), await answer(bad)]).toEqual(['ok', 'token_revoked']);
  });

  test('it is revoked the moment that the verifier hears of it', async () => {
    await made();
    const token = mint({ jti: 'tok_x' });
    expect(await answer(token)).toBe('ok');
    await emit({ kind: 'token', id: 'tok_x' });
    expect([verifier.verifyNow(token), await answer(token)]).toEqual([
      { ok: false, error: 'token_revoked' },
      'token_revoked',
    ]);
  });

  test('no two callers share what one of them could change', async () => {
    await made();
    const token = mint({ roles: ['clerk'], act: { sub: 'x' } });
    const first = await verifier.verify(token);
    if (!first.ok) throw new Error(first.error);
    const { value } = first;
    for (const change of [
      () => Object.assign(value.claims, { sub: 'admin' }),
      () => Object.assign(value.claims.act ?? {}, { sub: 'admin' }),
      () => Object.assign(value.principal, { subject: 'admin' }),
      () => Array.prototype.push.call(value.roles, 'admin'),
      () => Array.prototype.push.call(value.scope, 'admin'),
      () => Object.assign(value, { stale: true }),
    ])
      expect(change).toThrow(TypeError);
    expect(await verifier.verify(token)).toEqual(await verifier.verify(mint({ ...value.claims })));
    expect(await verifier.verify(token)).toMatchObject({ value: { claims: { sub: 'acc_1' }, roles: ['clerk'] } });
  });

  test('CVE-2026-35039: claims of one token with the signature of another are not taken from the cache', async () => {
    await made();
    const [mine, admin] = [mint(), mint({ sub: 'acc_admin' })];
    expect(await answer(mine)).toBe('ok');
    const [head, , signature] = mine.split('.');
    expect(await answer(`${head}.${admin.split('.')[1]}.${signature}`)).toBe('token_signature_invalid');
    expect(await answer(mine)).toBe('ok');
  });
});

test.each([
  ['family', 'fam_1', {}],
  ['session', 'ses_1', {}],
  ['subject', 'acc_1', {}],
  ['client', 'cli_1', {}],
  ['all', '', {}],
  ['api_key', 'key_1', { api_key: 'key_1' }],
] as const)('an event of kind %s refuses tokens seen and not seen', async (kind, id, claims) => {
  await made();
  const [seen, other] = [mint(claims), mint(claims)];
  expect(await answer(seen)).toBe('ok');
  await emit({ kind, id });
  expect([await answer(seen), await answer(other)]).toEqual(['token_revoked', 'token_revoked']);
});

test('a token that was issued after a cut-off is good; one of an older history of the log is not', async () => {
  await made();
  await emit({ kind: 'subject', id: 'acc_1', seq: 101 });
  expect(await answer(mint({ pos: '7:101' }))).toBe('ok');
  expect(await answer(mint({ pos: '6:999' }))).toBe('token_revoked');
  expect(await answer(mint({ pos: undefined }))).toBe('token_revoked');
});

test('a new epoch is merged: what was revoked before it stays so', async () => {
  await made();
  const token = mint({ jti: 'tok_x', pos: '7:100' });
  await emit({ kind: 'token', id: 'tok_x' });
  await stub.streams[0]?.beat(now, '8:3');
  await emit({ kind: 'all', id: '', epoch: 8, seq: 3 });
  expect([await answer(token), await answer(mint({ pos: '7:900' })), await answer(mint({ pos: '8:3' }))]).toEqual([
    'token_revoked',
    'token_revoked',
    'ok',
  ]);
});

test('what can concern no token any more is forgotten, with a heartbeat now and then', async () => {
  await made();
  const retention = 3_780;
  await emit({ kind: 'token', id: 'tok_x', exp: (START / 1000 + retention) as EpochSeconds });
  pass(retention * 1000);
  const seen: number[] = [];
  for (let beat = 2; beat <= 60; beat++) {
    await stub.streams.at(-1)?.beat(now);
    seen.push(verifier.status().revocations);
  }
  expect([seen.at(0), seen.at(-1)]).toEqual([1, 0]);
});

describe('KEY-07: a signing key that was revoked', () => {
  test('is refused at once, though the key set still has it, and for good after it is gone', async () => {
    const next = await generateSigningKey('ES256');
    await made();
    const [seen, other] = [mint(), mint()];
    expect(await answer(seen)).toBe('ok');
    await emit({ kind: 'key', id: stub.key.jwk.kid });
    expect(stub.asks('/jwks.json')).toBe(2); // at once: there may be a new one
    expect([await answer(seen), await answer(other), verifier.status().cachedTokens]).toEqual([
      'token_key_revoked',
      'token_key_revoked',
      0,
    ]);
    stub.publish(next.jwk);
    pass(30_000);
    await stub.streams[0]?.beat(now);
    expect(await answer(stub.mint(now / 1000, {}, next))).toBe('ok');
    expect(verifier.status().keys).toEqual([next.jwk.kid]);
    const fetches = stub.asks('/jwks.json');
    pass(30_000);
    await stub.streams[0]?.beat(now);
    expect([await answer(other), stub.asks('/jwks.json')]).toEqual(['token_key_revoked', fetches]);
    // a key set that brings it back is not believed
    stub.publish(next.jwk, stub.key.jwk);
    pass(301_000);
    await stub.streams[0]?.beat(now);
    expect(verifier.status().keys).toContain(stub.key.jwk.kid);
    expect(await answer(mint())).toBe('token_key_revoked');
  });

  test('takes tokens without a kid along', async () => {
    await made();
    await emit({ kind: 'key', id: stub.key.jwk.kid });
    const { kid: _, ...jwk } = stub.key.jwk;
    expect(await answer(stub.mint(now / 1000, {}, { ...stub.key, jwk: jwk as typeof stub.key.jwk }))).toBe(
      'token_key_revoked',
    );
  });

  test('KEY-06: a key that a later key set lacks is good no more, for tokens seen and not seen', async () => {
    const next = await generateSigningKey('ES256');
    await made();
    const [seen, other] = [mint({ exp: START / 1000 + 3_600 }), mint({ exp: START / 1000 + 3_600 })];
    expect(await answer(seen)).toBe('ok');
    stub.publish(next.jwk);
    for (const wait of [300_000, 1]) {
      expect(await answer(seen)).toBe('ok');
      pass(wait);
      await stub.streams[0]?.beat(now);
    }
    expect([await answer(seen), await answer(other)]).toEqual(['token_key_unknown', 'token_key_unknown']);
  });
});

test('KEY-06: a thousand tokens with made-up keys fetch once in 30 seconds', async () => {
  await made();
  const [, payload, signature] = mint().split('.');
  const forged = (n: number) => {
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `k${n}`, typ: 'at+jwt' })).toString('base64url');
    return `${header}.${payload}.${signature}`;
  };
  const flood = async () => new Set(await Promise.all(Array.from({ length: 1_000 }, (_, n) => answer(forged(n)))));
  const seen: unknown[] = [];
  for (const wait of [0, 29_999, 1, 1]) {
    monotonic += wait;
    seen.push([[...(await flood())], stub.asks('/jwks.json')]);
  }
  expect(seen).toEqual([
    [['token_key_unknown'], 1],
    [['token_key_unknown'], 1],
    [['token_key_unknown'], 2],
    [['token_key_unknown'], 2],
  ]);
});

test('a new key is found when its first token comes', async () => {
  const next = await generateSigningKey('RS256');
  await made();
  pass(30_000);
  await stub.streams[0]?.beat(now);
  stub.publish(stub.key.jwk, next.jwk);
  const token = stub.mint(now / 1000, {}, next);
  expect(verifier.verifyNow(token)).toBeUndefined();
  expect([await answer(token), await answer(mint())]).toEqual(['ok', 'ok']);
});

test('token_sender_unproved: a token that is bound to a key is refused, since the proof is not checked', async () => {
  await made();
  for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}])
    expect(await answer(mint({ cnf }))).toBe('token_sender_unproved');
  expect(verifier.status().cachedTokens).toBe(0);
});

test('keys_unavailable: without keys nothing is accepted, and nothing is said of a token', async () => {
  stub.on('/jwks.json', () => json({}, 503));
  verifier = createVerifier({ issuer: STUB_ISSUER, audience: STUB_AUDIENCE, onStale: 'accept', fetch: stub.fetch });
  expect([verifier.verifyNow(mint()), await answer(mint()), await answer('x')]).toEqual([
    undefined,
    'keys_unavailable',
    'keys_unavailable',
  ]);
});

describe('whatever a caller without types hands in, the answer is a value', () => {
  test.each([undefined, null, 1, {}, [], ['a.b.c'], { length: 3 }, () => 'x', Symbol('x')])('%s', async (token) => {
    await made();
    expect(await verifier.verify(token as string)).toEqual({ ok: false, error: 'token_malformed' });
    expect(verifier.verifyNow(token as string)).toEqual({ ok: false, error: 'token_malformed' });
  });
});

test('ready waits for the keys and for a first look at the log; it says what is missing', async () => {
  verifier = createVerifier({ issuer: STUB_ISSUER, audience: STUB_AUDIENCE, onStale: 'reject', fetch: stub.fetch });
  await expect(verifier.ready(0.05)).rejects.toThrow('the verifier has not seen the revocations yet');
  const ready = verifier.ready();
  await stub.streams[0]?.beat(1);
  await ready;
  verifier.close();
  stub.on('/jwks.json', () => json({}, 503));
  verifier = createVerifier({ issuer: STUB_ISSUER, audience: STUB_AUDIENCE, onStale: 'reject', fetch: stub.fetch });
  await expect(verifier.ready(0.05)).rejects.toThrow('the verifier has no keys yet');
  const waiting = verifier.ready();
  verifier.close();
  await expect(waiting).rejects.toThrow('the verifier is closed');
});

test('closed, it knows less and less: what it cannot know it does not accept', async () => {
  await made({ onStale: 'reject' });
  const token = mint();
  expect(await answer(token)).toBe('ok');
  verifier.close();
  pass(10_001);
  expect([await answer(token), verifier.status().feed]).toEqual(['verifier_stale', 'closed']);
});
