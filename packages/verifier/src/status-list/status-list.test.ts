import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import {
  createStubIssuer,
  json,
  STUB_AUDIENCE,
  STUB_ISSUER,
  type StubIssuer,
  settle,
} from '@latchkey/testkit/stub-issuer';
import { createStatusList } from '@latchkey/tokens/formats/status-list';
import { encodeStatusListToken, type StatusListToken } from '@latchkey/tokens/formats/status-list-token';
import { type GeneratedKey, generateSigningKey } from '@latchkey/tokens/keys/generate';
import { importSigner } from '@latchkey/tokens/keys/node-crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVerifier, type Verifier, type VerifierOptions } from '../index.ts';

const START = 1_795_000_000_000;
const PATH = '/lists/1';
const LIST = `${STUB_ISSUER}${PATH}`;
let stub: StubIssuer;
let verifier: Verifier;
let now: number;
let monotonic: number;
let reasons: unknown[];

beforeEach(async () => {
  stub = await createStubIssuer();
  now = START;
  monotonic = 0;
  reasons = [];
  serve();
});
afterEach(() => verifier.close());

async function made(options: Partial<VerifierOptions> = {}): Promise<void> {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    revocation: 'status_list',
    fetch: stub.fetch,
    now: () => now,
    monotonic: () => monotonic,
    onEvent: ({ event, reason }) => {
      if (event === 'status_list_unavailable') reasons.push(reason);
    },
    ...options,
  });
  await verifier.ready();
}
function pass(seconds: number): void {
  now += seconds * 1000;
  monotonic += seconds * 1000;
}
/** Two bits a token: 0 is valid, 1 invalid, 2 suspended, 3 nothing that we know. */
const STATUSES = [0, 1, 2, 3].entries();
const FOUR = createStatusList(2, 8, STATUSES);
function listToken(change: Partial<StatusListToken> = {}, key: GeneratedKey = stub.key): string {
  const iat = Math.floor(now / 1000) as EpochSeconds;
  const whole = { uri: LIST, iat, exp: (iat + 3_600) as EpochSeconds, ttl: 60, list: FOUR, ...change };
  return encodeStatusListToken(whole, importSigner('ES256', key.jwk.kid, key.pkcs8));
}
const TYPE = { 'content-type': 'application/statuslist+jwt' };
const sent = (text: string, headers: Record<string, string> = TYPE) => new Response(text, { headers });
function serve(answer: (request: Request) => Response | Promise<Response> = () => sent(listToken())): void {
  stub.on(PATH, answer);
}
const mint = (idx: unknown = 0, uri: unknown = LIST) =>
  stub.mint(Math.floor(now / 1000), { status: { status_list: { idx, uri } } });
async function answer(token: string): Promise<string> {
  const result = await verifier.verify(token);
  return result.ok ? 'ok' : result.error;
}
const asks = () => stub.asks(PATH);

test('TSL-06, token_suspended: valid is let in; invalid, suspended and what nobody knows are not; one fetch for all', async () => {
  await made();
  const answers = await Promise.all([0, 1, 2, 3].map((idx) => answer(mint(idx))));
  expect(answers).toEqual(['ok', 'token_revoked', 'token_suspended', 'token_status_invalid']);
  expect(asks()).toBe(1);
  expect(verifier.verifyNow(mint(1))).toEqual({ ok: false, error: 'token_revoked' });
  expect(verifier.status().feed).toBe('off');
  expect(stub.asks('/revocations')).toBe(0);
});

test.each([-1, 1.5, '0', null, 2 ** 53])('TSL-01 TSL §6.1: a token with the index %j is refused', async (idx) => {
  await made();
  expect([await answer(mint(idx)), asks()]).toEqual(['token_claims_invalid', 0]);
});

test.each<[unknown, string]>([
  ['x', 'token_claims_invalid'],
  [null, 'token_claims_invalid'],
  [[], 'token_claims_invalid'],
  [{ status_list: [] }, 'token_claims_invalid'],
  [{ status_list: { idx: 0 } }, 'token_claims_invalid'],
  [{ status_list: { uri: LIST } }, 'token_claims_invalid'],
  [{}, 'ok'],
  [undefined, 'ok'],
])('TSL-01 TSL §6.1: a token with the status %j is answered %s', async (status, expected) => {
  await made();
  expect(await answer(stub.mint(START / 1000, { status }))).toBe(expected);
});

test('token_status_missing: where a status is asked for, a token without one is refused', async () => {
  await made({ requireStatus: true });
  expect(await answer(stub.mint(START / 1000))).toBe('token_status_missing');
  expect(await answer(stub.mint(START / 1000, { status: {} }))).toBe('token_status_missing');
  expect(await answer(mint())).toBe('ok');
});

test('TSL-07 TSL §8.3: a token that is not good by itself fetches nothing', async () => {
  await made();
  const token = mint();
  expect(await answer(`${token.slice(0, -4)}AAAA`)).toBe('token_signature_invalid');
  pass(330);
  expect([await answer(token), asks()]).toEqual(['token_expired', 0]);
});

test('TSL-08, token_status_invalid: an index beyond the list is refused', async () => {
  await made();
  expect([await answer(mint(7)), await answer(mint(8))]).toEqual(['ok', 'token_status_invalid']);
});

describe('TSL-09 TSL §13.7, status_list_unavailable: what cannot be had or believed lets nobody in', () => {
  test.each<[string, () => Response | Promise<Response>]>([
    ['a failing server', () => new Response('', { status: 500 })],
    ['no answer', () => Promise.reject(new TypeError('no route'))],
    ['another type', () => sent(listToken(), { 'content-type': 'application/json' })],
    ['an end in the past', () => sent(listToken({ exp: (START / 1000) as EpochSeconds }))],
    ['another place', () => sent(listToken({ uri: `${LIST}0` }))],
    ['no list', () => sent('x')],
    ['a list too large', () => sent('x'.repeat(LIMITS.statusListTokenMax + 1))],
  ])('%s', async (_, one) => {
    await made();
    serve(one);
    expect([await answer(mint()), reasons.length]).toEqual(['status_list_unavailable', 1]);
  });

  test('token_status_unknown: an API can take such a token for a bad one', async () => {
    await made({ onStatusUnavailable: 'refuse' });
    serve(() => new Response('', { status: 500 }));
    expect(await answer(mint())).toBe('token_status_unknown');
  });

  test('it is asked for again after a second, not before, and then lets in', async () => {
    await made();
    serve(() => new Response('', { status: 500 }));
    const seen: unknown[] = [await answer(mint())];
    serve();
    for (const seconds of [0.999, 0.001]) {
      pass(seconds);
      seen.push(await answer(mint()), asks());
    }
    expect(seen).toEqual(['status_list_unavailable', 'status_list_unavailable', 1, 'ok', 2]);
  });

  test('a list that has ended is not relied on, whatever its ttl', async () => {
    await made();
    serve(() => sent(listToken({ exp: (START / 1000 + 30) as EpochSeconds, ttl: 3_600 })));
    expect(await answer(mint())).toBe('ok');
    serve(() => new Response('', { status: 500 }));
    pass(29);
    expect(await answer(mint())).toBe('ok');
    await settle();
    pass(1);
    expect(await answer(mint())).toBe('status_list_unavailable');
  });
});

describe('TSL-15 TSL §11.3: a list is believed by the keys of its issuer', () => {
  test('signed by somebody else it is not', async () => {
    const stranger = await generateSigningKey('ES256');
    await made();
    serve(() => sent(listToken({}, stranger)));
    expect([await answer(mint()), reasons]).toEqual([
      'status_list_unavailable',
      [expect.stringContaining('key_unknown')],
    ]);
  });

  test('a key that is new is looked for', async () => {
    const next = await generateSigningKey('ES256');
    await made();
    stub.publish(stub.key.jwk, next.jwk);
    pass(31);
    serve(() => sent(listToken({}, next)));
    expect(await answer(mint())).toBe('ok');
  });

  test('signed by whom the API was told to believe it is, and by the issuer then not', async () => {
    const other = await generateSigningKey('ES256');
    const statusIssuer = 'https://status.example/tenant';
    stub.on('/.well-known/oauth-authorization-server/tenant', () =>
      json({ issuer: statusIssuer, jwks_uri: 'https://status.example/other.json' }),
    );
    stub.on('/other.json', () => json({ keys: [other.jwk] }));
    await made({ statusIssuer });
    serve(() => sent(listToken({}, other)));
    expect(await answer(mint())).toBe('ok');
    serve(() => sent(listToken()));
    pass(61);
    expect(await answer(mint())).toBe('status_list_unavailable');
  });
});

describe('TSL-10 TSL §13.7: for how long a list is used is said by the list', () => {
  test.each([
    ['60 seconds', 60, 60],
    ['nothing: 300 seconds', undefined, 300],
    ['less than 5: 5 seconds', 1, 5],
    ['more than a day: a day', 1_000_000, 86_400],
  ])('%s', async (_, ttl, seconds) => {
    await made();
    const cacheControl = { ...TYPE, 'cache-control': 'max-age=31536000' };
    serve(() => sent(listToken({ ttl, exp: undefined }), cacheControl));
    await answer(mint());
    serve(() => new Response('', { status: 500 }));
    pass(seconds - 0.001);
    expect(verifier.verifyNow(mint())).toMatchObject({ ok: true });
    await settle();
    pass(0.001);
    expect(verifier.verifyNow(mint())).toBeUndefined();
  });

  test('it is fetched anew ahead of time, once, beside the requests that use it', async () => {
    await made();
    await answer(mint());
    pass(44.999);
    expect([await answer(mint()), asks()]).toEqual(['ok', 1]);
    pass(0.001);
    expect(verifier.verifyNow(mint())).toMatchObject({ ok: true });
    expect([await answer(mint()), await answer(mint()), asks()]).toEqual(['ok', 'ok', 2]);
    pass(30);
    await expect.poll(() => verifier.verifyNow(mint())).toMatchObject({ ok: true });
    expect(reasons).toEqual([]);
  });
});

describe('TSL-11 TSL §8.1, §8.2: how a list is fetched', () => {
  test('with its media type, and without credentials', async () => {
    await made();
    let request: Request | undefined;
    serve((asked) => {
      request = asked;
      return sent(listToken());
    });
    await answer(mint());
    expect([request?.method, request?.headers.get('accept'), request?.headers.has('authorization')]).toEqual([
      'GET',
      'application/statuslist+jwt',
      false,
    ]);
  });

  test.each([
    [3, 'ok'],
    [4, 'status_list_unavailable'],
  ])('%d redirections: %s', async (hops, expected) => {
    await made();
    for (let hop = 1; hop < hops; hop++)
      stub.on(`/hop/${hop}`, () => new Response(null, { status: 302, headers: { location: `/hop/${hop + 1}` } }));
    stub.on(`/hop/${hops}`, () => sent(listToken()));
    serve(() => new Response(null, { status: 307, headers: { location: '/hop/1' } }));
    expect(await answer(mint())).toBe(expected);
  });

  test.each([
    'https://evil.example/list',
    'http://as.example/list',
    'http://169.254.169.254/',
    'file:///etc/passwd',
    'http://[',
  ])('no redirection leads to %s', async (location) => {
    await made();
    serve(() => new Response(null, { status: 302, headers: { location } }));
    const before = stub.asked.length;
    expect([await answer(mint()), stub.asked.length]).toEqual(['status_list_unavailable', before + 1]);
  });

  test.each([
    'https://evil.example/lists/1',
    'http://as.example/lists/1',
    'https://as.example:8443/lists/1',
    'https://user@as.example/lists/1',
    'https://:x@as.example/lists/1',
    '/lists/1',
    '',
  ])('token_status_invalid: no token makes us fetch %s', async (uri) => {
    await made();
    const before = stub.asked.length;
    expect([await answer(mint(0, uri)), stub.asked.length]).toEqual(['token_status_invalid', before]);
  });

  test('an origin that the API trusts is asked', async () => {
    await made({ statusListOrigins: ['https://cdn.example'] });
    serve(() => sent(listToken({ uri: `https://cdn.example${PATH}` })));
    expect(await answer(mint(0, `https://cdn.example${PATH}`))).toBe('ok');
  });

  test('at most 20 lists are fetched at a time, and the others cannot be had', async () => {
    await made();
    let release = () => {};
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const uriOf = (n: number) => `${STUB_ISSUER}/many/${n}`;
    for (let n = 0; n <= 20; n++)
      stub.on(`/many/${n}`, async () => {
        await waiting;
        return sent(listToken({ uri: uriOf(n) }));
      });
    const answers = Array.from({ length: 21 }, (_, n) => answer(mint(0, uriOf(n))));
    await settle();
    release();
    expect((await Promise.all(answers)).map((one) => one === 'ok')).toEqual([...Array(20).fill(true), false]);
  });
});

test('so many lists are kept; one more takes the place of the one that was unused for longest', async () => {
  await made();
  const uriOf = (n: number) => `${STUB_ISSUER}/kept/${n}`;
  for (let n = 0; n <= LIMITS.statusListsKept; n++) {
    stub.on(`/kept/${n}`, () => sent(listToken({ uri: uriOf(n) })));
    if (n === LIMITS.statusListsKept) await answer(mint(0, uriOf(0))); // it is used
    await answer(mint(0, uriOf(n)));
  }
  const isHere = [0, 1, 2, LIMITS.statusListsKept].map((n) => verifier.verifyNow(mint(0, uriOf(n))) !== undefined);
  expect(isHere).toEqual([true, false, true, true]);
});

test('so many bytes of lists are kept', async () => {
  await made();
  const uriOf = (n: number) => `${STUB_ISSUER}/large/${n}`;
  const large = createStatusList(8, LIMITS.statusListBytesMax, []);
  const count = LIMITS.statusListsKeptBytes / LIMITS.statusListBytesMax;
  for (let n = 0; n <= count; n++) {
    stub.on(`/large/${n}`, () => sent(listToken({ uri: uriOf(n), list: large })));
    expect(await answer(mint(0, uriOf(n)))).toBe('ok');
  }
  const isHere = Array.from({ length: count + 1 }, (_, n) => verifier.verifyNow(mint(0, uriOf(n))) !== undefined);
  expect(isHere).toEqual([false, ...Array(count).fill(true)]);
});

describe('the keys of a foreign issuer', () => {
  test('are found by the metadata of OpenID Connect where it has no others', async () => {
    stub.on('/.well-known/oauth-authorization-server', () => json({}, 404));
    stub.on('/.well-known/openid-configuration', () =>
      json({ issuer: STUB_ISSUER, jwks_uri: `${STUB_ISSUER}/jwks.json` }),
    );
    await made();
    expect(await answer(mint())).toBe('ok');
  });

  test('or are where the API says', async () => {
    stub.on('/.well-known/oauth-authorization-server', () => json({}, 404));
    await made({ jwksUri: `${STUB_ISSUER}/jwks.json` });
    expect(await answer(mint())).toBe('ok');
  });
});

test('a verifier that follows the feed does not look at a status', async () => {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    fetch: stub.fetch,
    now: () => now,
    monotonic: () => monotonic,
  });
  await settle();
  await stub.streams[0]?.beat(now);
  await verifier.ready();
  expect([await answer(mint(1)), asks()]).toEqual(['ok', 0]);
});
