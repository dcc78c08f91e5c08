import { createHash } from 'node:crypto';
import { LIMITS } from '@latchkey/protocol/limits';
import {
  createStubIssuer,
  json,
  STUB_AUDIENCE,
  STUB_ISSUER,
  type StubIssuer,
  settle,
} from '@latchkey/testkit/stub-issuer';
import { encodeOpaqueToken } from '@latchkey/tokens/formats/opaque-token';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVerifier, type Verifier, type VerifierOptions } from '../index.ts';

const START = 1_795_000_000_000;
let stub: StubIssuer;
let verifier: Verifier;
let time: number;
let made = 0;

beforeEach(async () => {
  stub = await createStubIssuer();
  time = 0;
});
afterEach(() => verifier.close());

/** A verifier that has keys and has seen the log. */
async function start(options: Partial<VerifierOptions> = {}): Promise<void> {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    fetch: stub.fetch,
    now: () => START + time,
    monotonic: () => time,
    ...options,
  });
  await settle();
  await beat();
}
const beat = async (): Promise<void> => {
  await stub.streams.at(-1)?.beat(START + time);
};
const emit: StubIssuer['streams'][number]['emit'] = async (event) => {
  await stub.streams.at(-1)?.emit(event);
};
const MAC_KEY = new Uint8Array(32).fill(1);
const text = () => encodeOpaqueToken({ keyId: 1, random: new Uint8Array(16).fill(++made) }, MAC_KEY);
const GOOD = text();
/** An opaque token that is good for longer than these tests take. */
function issued(change: object = {}): string {
  const token = text();
  stub.say(token, START / 1000, { exp: START / 1000 + 200_000, ...change });
  return token;
}
async function answer(token: string): Promise<string> {
  const result = verifier.verifyNow(token) ?? (await verifier.verify(token));
  if (!result.ok) return result.error;
  return result.value.stale ? 'ok, stale' : 'ok';
}
const asks = () => stub.asks('/introspect');
/** What is answered at these times, the feed being current, and how often the server was asked by then. */
async function answersAt(token: string, times: readonly number[], isFresh = true): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  for (const at of times) {
    time = at;
    if (isFresh) await beat();
    seen.push([await answer(token), asks()]);
  }
  return seen;
}

describe('an opaque token is asked about once', () => {
  test('and from then on decided without asking anybody', async () => {
    await start();
    const token = issued();
    for (let n = 0; n < 100; n++) expect(await answer(token)).toBe('ok');
    expect([asks(), stub.questions]).toEqual([1, [{ token }]]);
  });

  test('what is granted is what the server says of it, as of any token', async () => {
    await start();
    const token = issued({ jti: 'tok_x', roles: ['clerk'] });
    const claims = {
      iss: STUB_ISSUER,
      sub: 'acc_1',
      aud: STUB_AUDIENCE,
      client_id: 'cli_1',
      jti: 'tok_x',
      iat: START / 1000,
      exp: START / 1000 + 200_000,
      pos: '7:100',
      sid: 'ses_1',
      fid: 'fam_1',
      scope: 'read write',
      roles: ['clerk'],
    };
    expect(await verifier.verify(token)).toEqual({
      ok: true,
      value: {
        principal: { kind: 'account', issuer: STUB_ISSUER, subject: 'acc_1' },
        claims,
        scope: ['read', 'write'],
        roles: ['clerk'],
        permissions: [],
        stale: false,
        credential: 'opaque',
      },
    });
  });

  test('a hundred requests at once with a token that is new are one question', async () => {
    await start();
    const token = issued();
    const answers = await Promise.all(Array.from({ length: 100 }, () => answer(token)));
    expect([new Set(answers), asks()]).toEqual([new Set(['ok']), 1]);
  });

  test('so many questions are under way; one more is a 503, and is asked the next time', async () => {
    await start();
    const tokens = Array.from({ length: LIMITS.introspectionsMax + 1 }, () => issued());
    const release: (() => void)[] = [];
    stub.on('/introspect', async (request) => {
      await new Promise<void>((resolve) => release.push(resolve));
      const asked = new URLSearchParams(await request.text()).get('token');
      return json({
        active: true,
        iss: STUB_ISSUER,
        aud: STUB_AUDIENCE,
        sub: 'a',
        client_id: 'c',
        jti: asked,
        iat: START / 1000,
        exp: START / 1000 + 300,
      });
    });
    const answers = tokens.map(answer);
    expect(await answers.at(-1)).toBe('verifier_busy');
    for (const one of release) one();
    expect(new Set(await Promise.all(answers.slice(0, -1)))).toEqual(new Set(['ok']));
    stub.on('/introspect');
    expect(await answer(tokens.at(-1) ?? '')).toBe('ok');
  });

  test('cachedTokensMax are kept, of all kinds together: the oldest goes', async () => {
    await start({ cachedTokensMax: 2 });
    const [first, second] = [issued(), issued()];
    await answer(first);
    await answer(second);
    await answer(stub.mint(START / 1000, { exp: START / 1000 + 300 }));
    expect([verifier.status().cachedTokens, asks()]).toEqual([2, 2]);
    expect([await answer(second), asks(), await answer(first), asks()]).toEqual(['ok', 2, 'ok', 3]);
  });
});

describe('RSV-13 RFC 7662 §4: what is not of our form never leaves', () => {
  test.each([
    ['', 'token_malformed'],
    ['lk_at_', 'opaque_token_malformed'],
    [GOOD.slice(0, -1), 'opaque_token_malformed'],
    [`${GOOD}A`, 'opaque_token_malformed'],
    [`${GOOD.slice(0, -1)}.`, 'opaque_token_malformed'],
    [`${GOOD.slice(0, -1)} `, 'opaque_token_malformed'],
    [`${GOOD.slice(0, -1)}ä`, 'opaque_token_malformed'],
    [`lk_at_${'_'.repeat(GOOD.length - 6)}`, 'opaque_token_malformed'],
    [`lk_at_${'x'.repeat(20_000)}`, 'token_too_large'],
    [`lk_rt_${GOOD.slice(6)}`, 'token_malformed'],
    [`LK_AT_${GOOD.slice(6)}`, 'token_malformed'],
    [`ghp_${'x'.repeat(36)}`, 'token_malformed'],
    ['eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL290aGVyIn0.c2ln', 'token_type_wrong'],
  ])('%s', async (malformed, error) => {
    await start();
    expect([await answer(malformed), asks()]).toEqual([error, 0]);
  });

  test('a JWT of another issuer, and one that only looks like it', async () => {
    await start();
    const foreign = stub.mint(START / 1000, { iss: 'https://other.example' });
    expect([await answer(foreign), await answer(`${foreign}xx`), asks()]).toEqual([
      'token_issuer_wrong',
      'token_signature_invalid',
      0,
    ]);
  });

  test('INT-09 RFC 9701 §8.1: an answer of introspection that is a JWT is no token', async () => {
    await start();
    const [, claims = '', signature = ''] = stub.mint(START / 1000).split('.');
    const header = Buffer.from(
      JSON.stringify({ alg: 'ES256', kid: stub.key.jwk.kid, typ: 'token-introspection+jwt' }),
    ).toString('base64url');
    expect([await answer(`${header}.${claims}.${signature}`), asks()]).toEqual(['token_type_wrong', 0]);
  });
});

describe('INT-11 RFC 7662 §2.2: whatever is no clear yes is no', () => {
  test.each([
    ['no', () => json({ active: false }), 'token_inactive'],
    ['no status of success', () => json({ active: true }, 500), 'introspection_unavailable'],
    ['active as text', () => json({ active: 'true' }), 'introspection_unavailable'],
    ['no active', () => json({ sub: 'x' }), 'introspection_unavailable'],
    ['a list', () => json([{ active: true }]), 'introspection_unavailable'],
    ['no JSON', () => new Response('active'), 'introspection_unavailable'],
    ['two answers in one', () => new Response('{"active":false,"active":true}'), 'introspection_unavailable'],
    ['active on the prototype', () => new Response('{"__proto__":{"active":true}}'), 'introspection_unavailable'],
    ['too much', () => json({ active: true, x: 'x'.repeat(70_000) }), 'introspection_unavailable'],
    [
      'too deep',
      () => new Response(`{"active":true,"x":${'['.repeat(99)}${']'.repeat(99)}}`),
      'introspection_unavailable',
    ],
    ['no connection', () => Promise.reject(new TypeError('fetch failed')), 'introspection_unavailable'],
    ['yes, and nothing else', () => json({ active: true }), 'token_issuer_wrong'],
  ])('%s', async (_, handler, expected) => {
    await start();
    stub.on('/introspect', handler);
    const token = issued();
    expect(await answer(token)).toBe(expected);
    stub.on('/introspect');
    time = 10_000;
    await beat();
    expect(await answer(token)).toBe('ok');
  });

  test.each([
    [{ iss: 'https://other.example' }, 'token_issuer_wrong'],
    [{ aud: 'https://other.example' }, 'token_audience_wrong'],
    [{ aud: undefined }, 'token_audience_wrong'],
    [{ exp: START / 1000 - 31 }, 'token_expired'],
    [{ exp: undefined }, 'token_claims_invalid'],
    [{ exp: '1' }, 'token_claims_invalid'],
    [{ sub: 1 }, 'token_claims_invalid'],
    [{ jti: undefined }, 'token_claims_invalid'],
    [{ scope: ['read'] }, 'token_claims_invalid'],
    [{ roles: 'clerk' }, 'token_claims_invalid'],
    [{ pos: '7' }, 'token_claims_invalid'],
    [{ nbf: START / 1000 + 31 }, 'token_not_yet_valid'],
    [{ cnf: { jkt: 'x' } }, 'token_sender_unproved'],
    [{ cnf: 'x' }, 'token_claims_invalid'],
  ])('claims are checked as those of a JWT are: %j', async (change, error) => {
    await start();
    expect(await answer(issued(change))).toBe(error);
  });

  test('a server that names no endpoint for it cannot be asked', async () => {
    stub.on('/.well-known/oauth-authorization-server', () =>
      json({ issuer: STUB_ISSUER, jwks_uri: `${STUB_ISSUER}/jwks.json` }),
    );
    await start();
    expect(await answer(issued())).toBe('introspection_unavailable');
  });

  test('without credentials there is nobody to ask, and the refusal says what is missing', async () => {
    verifier = createVerifier({ issuer: STUB_ISSUER, audience: STUB_AUDIENCE, onStale: 'reject', fetch: stub.fetch });
    expect([await answer(issued()), asks()]).toEqual(['introspection_unconfigured', 0]);
  });
});

describe('INT-10 RFC 7662 §4: for how long an answer is believed', () => {
  test('a good one for 600 seconds while the feed is current', async () => {
    await start();
    const token = issued();
    expect(await answersAt(token, [0, 599_999, 600_000, 1_199_999, 1_200_000])).toEqual([
      ['ok', 1],
      ['ok', 1],
      ['ok', 2],
      ['ok', 2],
      ['ok', 3],
    ]);
  });

  test('for 60 seconds since it was asked for while the feed is not', async () => {
    await start();
    const token = issued();
    expect(await answersAt(token, [0, 59_999, 60_000, 119_999, 120_000], false)).toEqual([
      ['ok', 1],
      ['ok', 1],
      ['ok', 2],
      ['ok', 2],
      ['ok', 3],
    ]);
  });

  test('never beyond its exp, and the leeway', async () => {
    await start();
    const token = issued({ exp: START / 1000 + 100 });
    expect(await answersAt(token, [0, 129_999, 130_000])).toEqual([
      ['ok', 1],
      ['ok', 1],
      ['token_expired', 1],
    ]);
  });

  test('a bad one for 10 seconds', async () => {
    await start();
    const token = text();
    expect(await answersAt(token, [0, 9_999])).toEqual([
      ['token_inactive', 1],
      ['token_inactive', 1],
    ]);
    stub.say(token, START / 1000, { exp: START / 1000 + 200_000 });
    expect(await answersAt(token, [9_999, 10_000])).toEqual([
      ['token_inactive', 1],
      ['ok', 2],
    ]);
  });

  test('and no longer than the server says, when it is gone: then 503', async () => {
    await start();
    const token = issued();
    await answer(token);
    stub.on('/introspect', () => Promise.reject(new TypeError('fetch failed')));
    expect(await answersAt(token, [59_999, 60_000], false)).toEqual([
      ['ok', 1],
      ['introspection_unavailable', 2],
    ]);
  });

  test('policy reject: nothing while the feed is stale, and nobody is asked', async () => {
    await start({ onStale: 'reject' });
    const token = issued();
    expect(await answersAt(token, [0, 10_001], false)).toEqual([
      ['ok', 1],
      ['verifier_stale', 1],
    ]);
    expect([await answer(issued()), asks()]).toEqual(['verifier_stale', 1]);
  });

  test('policy accept: a kept answer is accepted, marked, for its 60 seconds; then the server is asked', async () => {
    await start({ onStale: 'accept', maxAcceptSeconds: 30 });
    const token = issued();
    expect(await answersAt(token, [0, 10_001, 40_000, 40_001], false)).toEqual([
      ['ok', 1],
      ['ok, stale', 1],
      ['ok, stale', 1],
      ['ok', 2],
    ]);
  });
});

describe('what the feed says counts for a kept answer as for a token', () => {
  test.each([
    [{ kind: 'token', id: 'tok_r' }],
    [{ kind: 'family', id: 'fam_1' }],
    [{ kind: 'session', id: 'ses_1' }],
    [{ kind: 'api_key', id: 'key_1' }],
  ] as const)('the end of %j: nobody is asked', async (event) => {
    await start();
    const token = issued({ jti: 'tok_r', api_key: 'key_1', act: { sub: 'cli_actor' } });
    expect(await answer(token)).toBe('ok');
    await emit(event);
    expect([await answer(token), asks()]).toEqual(['token_revoked', 1]);
  });

  test.each([
    [{ kind: 'subject', id: 'acc_1' }],
    [{ kind: 'client', id: 'cli_1' }],
    [{ kind: 'all', id: '' }],
    [{ kind: 'client', id: 'cli_actor' }],
  ] as const)('the cut-off of %j: a newer answer is asked for, and must stand behind it', async (event) => {
    await start();
    const token = issued({ act: { sub: 'cli_actor' } });
    await answer(token);
    await emit(event);
    expect([await answer(token), asks()]).toEqual(['token_revoked', 2]);
    expect([await answer(token), asks()]).toEqual(['token_revoked', 2]);
    stub.say(token, START / 1000, { exp: START / 1000 + 300, pos: '7:101' });
    time = 10_000;
    await beat();
    expect([await answer(token), asks()]).toEqual(['ok', 3]);
  });

  test('a revocation that is heard while the server is asked holds, whatever it answers', async () => {
    await start();
    const token = issued();
    const waiting = answer(token);
    await emit({ kind: 'family', id: 'fam_1' });
    expect(await waiting).toBe('token_revoked');
  });

  test.each(['acc_1', 'cli_1', 'key_1'])(
    'a change of %s makes an older answer unusable: it is asked for again',
    async (id) => {
      await start();
      const token = issued({ api_key: 'key_1', roles: ['clerk'] });
      await answer(token);
      stub.say(token, START / 1000, { exp: START / 1000 + 300, api_key: 'key_1' });
      time = 1_000;
      await emit({ kind: 'changed', id, seq: 101 });
      expect(await verifier.verify(token)).toMatchObject({ ok: true, value: { roles: [] } });
      expect([await answer(token), asks()]).toEqual(['ok', 2]); // although its place is still older than the change
    },
  );

  test('before, at and after the place of a change', async () => {
    await start();
    const tokens = ['7:100', '7:101', '7:102', '6:999'].map((pos) => issued({ pos }));
    for (const token of tokens) await answer(token);
    time = 1_000;
    await emit({ kind: 'changed', id: 'acc_1', seq: 101 });
    const before = asks();
    const again: number[] = [];
    for (const token of tokens) {
      const so = asks();
      await answer(token);
      again.push(asks() - so);
    }
    expect([before, again]).toEqual([4, [1, 0, 0, 1]]);
  });

  test('a change that is heard while the server is asked: the answer may be older, and is asked for again', async () => {
    await start();
    const token = issued({ roles: ['clerk'] });
    let reply: (() => void) | undefined;
    stub.on('/introspect', async () => {
      await new Promise<void>((resolve) => {
        reply = resolve;
      });
      stub.on('/introspect');
      stub.say(token, START / 1000, { roles: [] });
      return json({
        active: true,
        iss: STUB_ISSUER,
        aud: STUB_AUDIENCE,
        sub: 'acc_1',
        client_id: 'c',
        jti: 't',
        iat: START / 1000,
        exp: START / 1000 + 300,
        pos: '7:100',
        roles: ['clerk'],
      });
    });
    const waiting = verifier.verify(token);
    await settle();
    time = 10;
    await emit({ kind: 'changed', id: 'acc_1', seq: 101 });
    reply?.();
    expect(await waiting).toMatchObject({ ok: true, value: { roles: [] } });
    expect(asks()).toBe(2);
  });

  test('one change after the other while it is asked: no answer is believed', async () => {
    await start();
    const token = issued();
    let seq = 100;
    stub.on('/introspect', async () => {
      time += 10;
      await emit({ kind: 'changed', id: 'acc_1', seq: ++seq });
      stub.say(token, START / 1000);
      return json({
        active: true,
        iss: STUB_ISSUER,
        aud: STUB_AUDIENCE,
        sub: 'acc_1',
        client_id: 'c',
        jti: 't',
        iat: START / 1000,
        exp: START / 1000 + 300,
        pos: '7:99',
      });
    });
    expect([await answer(token), asks()]).toEqual(['introspection_unavailable', 2]);
  });

  test('a feed that begins anew and repeats a change does not make newer answers older', async () => {
    await start();
    const token = issued();
    await emit({ kind: 'changed', id: 'acc_1', seq: 101 });
    time = 1_000;
    await answer(token);
    time = 2_000;
    await emit({ kind: 'changed', id: 'acc_1', seq: 101 });
    expect([await answer(token), asks()]).toEqual(['ok', 1]);
    await emit({ kind: 'changed', id: 'acc_1', seq: 102 });
    expect([await answer(token), asks()]).toEqual(['ok', 2]);
  });
});

test('INT-10: by what an answer is kept opens nothing: the hash of a token is no token', async () => {
  await start();
  const token = issued();
  expect(await answer(token)).toBe('ok');
  expect(await answer(createHash('sha256').update(token).digest('base64url'))).toBe('token_malformed');
  expect(await answer(token)).toBe('ok');
});
