import type { ApiKeyTerms, VerifierReport } from '@latchkey/protocol/api-key-terms';
import { idText } from '@latchkey/protocol/ids';
import {
  createStubIssuer,
  json,
  STUB_AUDIENCE,
  STUB_ISSUER,
  type StubIssuer,
  settle,
} from '@latchkey/testkit/stub-issuer';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVerifier, type Verifier, type VerifierOptions } from '../index.ts';

const START = 1_795_000_000_000;
const NOW = START / 1000;
let stub: StubIssuer;
let verifier: Verifier;
let time: number;
let reports: VerifierReport[];
let heard: unknown[];
/** What the server answers to a report. */
let answerTo: (report: VerifierReport) => Response | Promise<Response>;

beforeEach(async () => {
  stub = await createStubIssuer();
  time = 0;
  reports = [];
  heard = [];
  answerTo = () => json({ leases: [], rates: [] });
  stub.on('/reports', async (request) => {
    const report = (await request.json()) as VerifierReport;
    reports.push(report);
    return answerTo(report);
  });
});
afterEach(() => verifier.close());

interface Timer {
  readonly at: number;
  readonly action: () => void;
}
const timers = new Set<Timer>();
const after = (milliseconds: number, action: () => void) => {
  const timer = { at: time + milliseconds, action };
  timers.add(timer);
  return () => void timers.delete(timer);
};

async function start(options: Partial<VerifierOptions> = {}): Promise<void> {
  timers.clear();
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    apiKeys: {},
    name: 'orders',
    random: () => 0,
    fetch: stub.fetch,
    now: () => START + time,
    monotonic: () => time,
    timers: { after, inBackground: after },
    onEvent: (event) => heard.push(event),
    ...options,
  });
  await settle();
  await stub.streams.at(-1)?.beat(START);
}
/** Lets time go by, with a heartbeat each two seconds. */
async function pass(milliseconds: number): Promise<void> {
  const end = time + milliseconds;
  while (time < end) {
    time = Math.min(end, time + 500);
    if (time % 2_000 === 0) await stub.streams.at(-1)?.beat(START + time);
    for (const timer of [...timers].filter(({ at }) => at <= time)) {
      timers.delete(timer);
      timer.action();
      await settle();
    }
  }
}

let made = 0;
interface Key {
  readonly id: string;
  readonly text: string;
}
/** A key of an account; the server knows it. */
function key(terms: Partial<ApiKeyTerms> = {}, change: object = {}, environment: 'live' | 'test' = 'live'): Key {
  const id = idText('key', new Uint8Array(16).fill(++made));
  const text = encodeApiKey(id, environment, new Uint8Array(32).fill(made));
  said({ id, text }, { environment, ...terms }, change);
  return { id, text };
}
function said({ id, text }: Key, terms: object, change: object = {}): void {
  stub.say(text, NOW, {
    sub: 'acc_1',
    client_id: id,
    jti: id,
    api_key: id,
    sid: undefined,
    fid: undefined,
    exp: NOW + 90 * 86_400,
    terms,
    ...change,
  });
}
const lease = (of: Key, change: object = {}) => ({
  id: 'lea_1',
  api_key: of.id,
  uses: 4,
  until: NOW + 60,
  limit: 100,
  remaining: 96,
  reset: NOW + 3_600,
  ...change,
});

async function answer(text: string, address?: string): Promise<string> {
  const from = { address };
  const result = verifier.verifyNow(text, from) ?? (await verifier.verify(text, from));
  return result.ok ? 'ok' : result.error;
}
const answers = async (text: string, times: number) => {
  const seen: string[] = [];
  for (let n = 0; n < times; n++) seen.push(await answer(text));
  return seen;
};
const asks = () => stub.asks('/introspect');
/** The answer to a request with these headers, in short. */
async function request(headers: Readonly<Record<string, string>>, scope?: readonly string[]) {
  const asked = scope === undefined ? {} : { scope };
  const result = await verifier.authenticate({ method: 'GET', header: (name) => headers[name] }, asked);
  return result.ok ? result.value : result.error;
}

describe('APK-04: where keys are taken', () => {
  test('nowhere unless it was said; a good key is refused as such, and nobody is asked', async () => {
    const { text } = key();
    verifier = createVerifier({
      issuer: STUB_ISSUER,
      audience: STUB_AUDIENCE,
      credentials: { id: 'res_1', secret: 'x' },
      fetch: stub.fetch,
    });
    expect([await answer(text), asks()]).toEqual(['api_key_not_accepted', 0]);
  });

  test('of the environment live unless others were said', async () => {
    const [live, forTests] = [key(), key({}, {}, 'test')];
    await start();
    expect([await answer(live.text), await answer(forTests.text), asks()]).toEqual(['ok', 'api_key_not_accepted', 1]);
    verifier.close();
    await start({ apiKeys: { environments: ['test'] } });
    expect([await answer(live.text), await answer(forTests.text)]).toEqual(['api_key_not_accepted', 'ok']);
  });

  test('as a bearer token, or in the header that was named', async () => {
    await start({ apiKeys: { header: 'X-API-Key' } });
    const { id, text } = key();
    for (const headers of [{ authorization: `Bearer ${text}` }, { 'x-api-key': text }])
      expect(await request(headers)).toMatchObject({ credential: 'api_key', apiKey: { id } });
    expect(verifier.caching.vary).toBe('Authorization, x-api-key');
  });

  test('RSV-04 RFC 6750 §2: two credentials in one request are none', async () => {
    await start({ apiKeys: { header: 'x-api-key' } });
    const { text } = key();
    const token = stub.mint(NOW);
    for (const headers of [
      { authorization: `Bearer ${text}`, 'x-api-key': text },
      { authorization: `Bearer ${token}`, 'x-api-key': text },
      { authorization: `Bearer ${token}`, 'x-api-key': '' },
      { 'x-api-key': `${text}, ${text}` },
    ])
      expect(await request(headers)).toMatchObject({ status: 400, error: 'authorization_malformed' });
    expect(asks()).toBe(0);
  });

  test('the header of keys is for keys alone, and another one is none', async () => {
    await start({ apiKeys: { header: 'x-api-key' } });
    const { text } = key();
    expect(await request({ 'x-api-key': stub.mint(NOW) })).toMatchObject({ status: 401, error: 'api_key_malformed' });
    expect(await request({ 'x-api-key': '' })).toMatchObject({ status: 401, error: 'api_key_malformed' });
    expect(await request({ 'x-other': text })).toMatchObject({ status: 401, error: 'access_token_missing' });
  });

  test('what is no key is refused here, and nobody is asked', async () => {
    await start();
    const { text } = key();
    const wrong = [
      'lk_live_',
      text.slice(0, -1),
      `${text}0`,
      text.replace('lk_live_', 'lk_test_'),
      `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`,
      ` ${text}`,
      'null',
      `lk_live_${'x'.repeat(1_000_000)}`,
    ];
    const seen: string[] = [];
    for (const one of wrong) seen.push(await answer(one));
    expect([seen, asks()]).toEqual([
      [...Array(5).fill('api_key_malformed'), 'token_malformed', 'token_malformed', 'token_too_large'],
      0,
    ]);
  });
});

describe('what is granted', () => {
  test('the claims of the answer, whose key it is, and no terms', async () => {
    await start();
    const { id, text } = key({ networks: ['10.0.0.0/8'] }, { scope: 'read', roles: ['clerk'] });
    expect(await verifier.verify(text, { address: '10.1.2.3' })).toMatchObject({
      ok: true,
      value: {
        principal: { kind: 'account', issuer: STUB_ISSUER, subject: 'acc_1' },
        scope: ['read'],
        roles: ['clerk'],
        credential: 'api_key',
        apiKey: { id, environment: 'live', networks: ['10.0.0.0/8'], isLimited: false },
      },
    });
    const result = await verifier.verify(text, { address: '10.1.2.3' });
    expect(result.ok && [result.value.claims.terms, result.value.headers]).toEqual([undefined, undefined]);
    expect(stub.questions).toEqual([{ token: text, instance: 'orders-00' }]);
  });

  test.each([
    ['no terms', { terms: undefined }],
    ['terms that are a list', { terms: [] }],
    ['no environment', { terms: {} }],
    ['another environment', { terms: { environment: 'test' } }],
    ['networks that are none', { terms: { environment: 'live', networks: ['10.0.0.0/99'] } }],
    ['networks as text', { terms: { environment: 'live', networks: '10.0.0.0/8' } }],
    ['a rate of nothing', { terms: { environment: 'live', rate: { limit: 0, seconds: 1, verifiers: 1 } } }],
    ['a rate without its verifiers', { terms: { environment: 'live', rate: { limit: 1, seconds: 1 } } }],
    ['half a lease', { terms: { environment: 'live', lease: { id: 'x', uses: 1 } } }],
    [
      'uses below none',
      {
        terms: {
          environment: 'live',
          lease: { id: 'x', api_key: 'y', uses: -1, until: 1, limit: 1, remaining: 1, reset: 1 },
        },
      },
    ],
    ['another key', { api_key: 'key_other' }],
    ['no key', { api_key: undefined }],
  ])('an answer with %s is refused: no limit is lost', async (_, change) => {
    await start();
    expect(await answer(key({}, change).text)).toBe('token_claims_invalid');
  });

  test('RSV-03 RFC 6750 §3.1: the guards are those of tokens', async () => {
    await start();
    const { text } = key({}, { scope: 'read' });
    expect(await request({ authorization: `Bearer ${text}` }, ['read', 'write'])).toMatchObject({
      status: 403,
      error: 'scope_insufficient',
    });
  });

  test.each([
    [{ kind: 'api_key' }, 'token_revoked', 1],
    [{ kind: 'subject', id: 'acc_1' }, 'token_revoked', 2],
    [{ kind: 'all', id: '' }, 'token_revoked', 2],
    [{ kind: 'client', id: 'cli_other' }, 'ok', 1],
  ] as const)('APK-06: %j ends it at once, or not', async (event, expected, questions) => {
    await start();
    const { id, text } = key();
    await answer(text);
    await stub.streams[0]?.emit({ id, ...event });
    expect([await answer(text), asks()]).toEqual([expected, questions]);
  });

  test('a key that was narrowed is asked about again', async () => {
    await start();
    const one = key({}, { scope: 'read write' });
    await answer(one.text);
    said(one, { environment: 'live', networks: ['10.0.0.0/8'] });
    time = 10;
    await stub.streams[0]?.emit({ kind: 'changed', id: one.id });
    expect([await answer(one.text), asks()]).toEqual(['api_key_network_refused', 2]);
  });
});

describe('APK-03: a key may be used from its networks only', () => {
  test.each([
    ['10.1.2.3', 'ok'],
    ['::ffff:10.1.2.3', 'ok'],
    ['2001:db8::1', 'ok'],
    ['11.1.2.3', 'api_key_network_refused'],
    ['unknown', 'api_key_network_refused'],
    [undefined, 'api_key_network_refused'],
  ])('from %s: %s', async (address, expected) => {
    await start();
    const { text } = key({ networks: ['10.0.0.0/8', '2001:db8::/32'] });
    expect([await answer(text, address), await answer(text, address)]).toEqual([expected, expected]);
  });

  test('a refusal says nothing of it to whoever has no business there', async () => {
    await start();
    const { text } = key({ networks: ['10.0.0.0/8'] });
    const refused = await request({ authorization: `Bearer ${text}` });
    expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(refused).not.toHaveProperty('body.error_description');
  });
});

describe('quotas without a call per request', () => {
  test('uses of a lease are spent without asking; more are asked for ahead of need, behind the requests', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one) });
    answerTo = () => json({ leases: [lease(one, { id: 'lea_2', uses: 10, remaining: 86 })], rates: [] });
    expect([await answers(one.text, 2), reports.length]).toEqual([['ok', 'ok'], 0]);
    expect(verifier.verifyNow(one.text)?.ok).toBe(true); // three of four: now more is asked for
    await settle();
    expect(reports).toEqual([
      {
        refusals: [],
        instance: 'orders-00',
        number: 1,
        usage: [{ api_key: one.id, hour: Math.floor(NOW / 3_600) * 3_600, allowed: 3, refused: 0 }],
        closed: [],
        renew: [one.id],
        active: [],
      },
    ]);
    for (let n = 0; n < 7; n++) expect(verifier.verifyNow(one.text)?.ok).toBe(true);
    expect([reports.length, asks()]).toEqual([1, 1]);
  });

  test('nothing left, and the server not heard of it: the request waits for one report, and all with it', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 1 }) });
    let release: (() => void) | undefined;
    answerTo = async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return json({ leases: [lease(one, { id: 'lea_2', uses: 50 })], rates: [] });
    };
    await answer(one.text);
    await settle();
    expect(verifier.verifyNow(one.text)).toBeUndefined();
    const waiting = Array.from({ length: 20 }, () => answer(one.text));
    await settle();
    release?.();
    expect([new Set(await Promise.all(waiting)), reports.length]).toEqual([new Set(['ok']), 1]);
  });

  test('the server says that nothing is left: 429, with what is known of the limit, and nobody asks again at once', async () => {
    await start();
    const one = key();
    const empty = lease(one, { id: 'lea_0', uses: 0, until: NOW + 5, remaining: 0 });
    said(one, { environment: 'live', lease: empty });
    answerTo = () => json({ leases: [empty], rates: [] });
    for (let n = 0; n < 20; n++)
      expect(await request({ authorization: `Bearer ${one.text}` })).toMatchObject({
        status: 429,
        error: 'api_key_quota_exhausted',
        headers: {
          'retry-after': '3600',
          'ratelimit-policy': '"quota";q=100',
          ratelimit: '"quota";r=0;t=3600',
        },
      });
    expect([asks(), reports.length]).toEqual([1, 0]);
    await pass(5_000);
    answerTo = () => json({ leases: [lease(one, { id: 'lea_1', uses: 1, remaining: 0 })], rates: [] });
    expect(await answer(one.text)).toBe('ok');
  });

  test('the headers stand on what is granted, too, and count down', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one), rate: { limit: 10, seconds: 60, verifiers: 2 } });
    const headers = async () => (await request({ authorization: `Bearer ${one.text}` })).headers;
    expect([await headers(), await headers()]).toEqual([
      {
        'ratelimit-policy': '"quota";q=100, "rate";q=10;w=60',
        ratelimit: '"quota";r=99;t=3600, "rate";r=4;t=12',
      },
      {
        'ratelimit-policy': '"quota";q=100, "rate";q=10;w=60',
        ratelimit: '"quota";r=98;t=3600, "rate";r=3;t=24',
      },
    ]);
  });

  test('the server does not answer: 503 once nothing is left, and it is not asked in a storm', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 1 }) });
    answerTo = () => json({}, 503);
    await answer(one.text);
    await settle();
    expect(await answers(one.text, 50)).toEqual(Array(50).fill('introspection_unavailable'));
    expect(reports.length).toBeLessThan(4);
  });

  test('a server that takes no report of ours grants nothing', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 1 }) });
    answerTo = () => json({ error: 'invalid_request' }, 422);
    await answer(one.text);
    await settle();
    expect(await answer(one.text)).toBe('api_key_quota_exhausted');
  });

  test('a lease that is over goes back with what was used, though nobody uses the key any more', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one) });
    await answers(one.text, 1);
    await pass(70_000);
    expect(reports.flatMap(({ closed }) => closed ?? [])).toEqual([{ id: 'lea_1', used: 1 }]);
    const told = reports.length;
    await pass(60_000);
    expect(reports.length).toBe(told);
  });

  test('at the end everything goes back', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one) });
    await answers(one.text, 2);
    verifier.close();
    await settle();
    expect(reports).toMatchObject([{ closed: [{ id: 'lea_1', used: 2 }], usage: [{ allowed: 2 }], renew: [] }]);
    expect(await answer(one.text)).toBe('introspection_unavailable');
  });

  test('a report that failed is told again, the same under the same number, until it is answered', async () => {
    await start();
    const one = key();
    answerTo = () => json({}, 500);
    await answers(one.text, 2);
    await pass(10_000);
    await answers(one.text, 3);
    await pass(10_000);
    answerTo = () => json({ leases: [], rates: [] });
    await pass(20_000);
    expect(reports.map(({ number, usage }) => [number, usage?.map(({ allowed }) => allowed)])).toEqual([
      [1, [2]],
      [1, [2]],
      [1, [2]],
      [2, [3]],
    ]);
  });

  test('the same lease twice counts once; one that nobody waits for goes back unused', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 1 }) });
    const stray = lease(one, { id: 'lea_9', api_key: 'key_other' });
    answerTo = ({ number }) => json({ leases: [lease(one, { uses: 1 }), ...(number === 1 ? [stray] : [])], rates: [] });
    await answer(one.text);
    await settle();
    expect(await answers(one.text, 2)).not.toContain('ok');
    answerTo = () => json({ leases: [], rates: [] });
    await pass(20_000);
    expect(reports.flatMap(({ closed }) => closed ?? [])).toEqual([
      { id: 'lea_1', used: 1 },
      { id: 'lea_9', used: 0 },
    ]);
  });

  test('a key that lost its quota is free, and its lease goes back', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 1 }) });
    await answer(one.text);
    said(one, { environment: 'live' });
    time = 10;
    await stub.streams[0]?.emit({ kind: 'changed', id: one.id });
    expect(await answers(one.text, 5)).toEqual(Array(5).fill('ok'));
  });
});

describe('rates', () => {
  test('a share of the limit, and then 429 until there is a use again', async () => {
    await start();
    const { text } = key({ rate: { limit: 4, seconds: 8, verifiers: 2 } });
    expect(await answers(text, 3)).toEqual(['ok', 'ok', 'api_key_rate_limited']);
    expect(await request({ authorization: `Bearer ${text}` })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '4', 'ratelimit-policy': '"rate";q=4;w=8', ratelimit: '"rate";r=0;t=8' },
    });
    time = 3_999;
    expect(await answer(text)).toBe('api_key_rate_limited');
    time = 4_000;
    expect(await answers(text, 2)).toEqual(['ok', 'api_key_rate_limited']);
  });

  test('the share follows the number of verifiers that the server tells', async () => {
    await start();
    const one = key({ rate: { limit: 10, seconds: 100, verifiers: 1 } });
    answerTo = () =>
      json({
        leases: [],
        rates: [
          { api_key: one.id, verifiers: 5 },
          { api_key: 'x', verifiers: 0 },
        ],
      });
    await answers(one.text, 1);
    await pass(10_000);
    expect(reports).toMatchObject([{ active: [one.id] }]);
    expect(await answers(one.text, 3)).toEqual(['ok', 'ok', 'api_key_rate_limited']);
  });

  test('what a rate refuses costs no use of the quota, and the other way round', async () => {
    await start();
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 10 }), rate: { limit: 2, seconds: 100, verifiers: 1 } });
    await answers(one.text, 5);
    verifier.close();
    await settle();
    expect(reports.at(-1)).toMatchObject({ closed: [{ used: 2 }], usage: [{ allowed: 2, refused: 3 }] });
  });
});

describe('use is counted', () => {
  test('what was allowed, and what was refused of a known key; nothing is sent per request', async () => {
    await start();
    const one = key({ networks: ['10.0.0.0/8'] }, { scope: 'read' });
    const from = { address: '10.1.2.3' };
    for (let n = 0; n < 100; n++) await verifier.verify(one.text, from);
    await verifier.verify(one.text, { address: '192.0.2.1' });
    const header = (name: string) => (name === 'authorization' ? `Bearer ${one.text}` : undefined);
    await verifier.authenticate({ method: 'GET', header, address: '10.1.2.3' }, { scope: ['write'] });
    await stub.streams[0]?.emit({ kind: 'api_key', id: one.id });
    await verifier.verify(one.text, from);
    expect(reports).toEqual([]);
    await pass(10_000);
    expect(reports.flatMap(({ usage }) => usage ?? [])).toMatchObject([{ api_key: one.id, allowed: 100, refused: 3 }]);
    expect(reports.length).toBe(1);
  });

  test('by the hour', async () => {
    await start();
    const one = key();
    const hour = Math.floor(NOW / 3_600) * 3_600;
    time = (hour + 3_600 - NOW) * 1000 - 1;
    await stub.streams.at(-1)?.beat(START + time);
    await answer(one.text);
    time += 1;
    await answers(one.text, 2);
    verifier.close();
    await settle();
    expect(reports[0]?.usage).toEqual([
      { api_key: one.id, hour, allowed: 1, refused: 0 },
      { api_key: one.id, hour: hour + 3_600, allowed: 2, refused: 0 },
    ]);
  });

  test('of a key that nobody knows, nothing', async () => {
    await start();
    const one = key();
    stub.sayNo(one.text);
    expect(await answers(one.text, 3)).toEqual(Array(3).fill('token_inactive'));
    verifier.close();
    await settle();
    expect(reports).toEqual([]);
  });
});

describe('strict', () => {
  test('each request is a question, nothing is kept, and the server counts', async () => {
    await start({ apiKeys: { strict: true } });
    const one = key();
    expect(await Promise.all([answer(one.text), answer(one.text), answer(one.text)])).toEqual(['ok', 'ok', 'ok']);
    expect(stub.questions).toEqual(Array(3).fill({ token: one.text, instance: 'orders-00', strict: 'true' }));
    expect(verifier.status().cachedTokens).toBe(0);
    stub.sayNo(one.text);
    expect(await answer(one.text)).toBe('token_inactive');
    said(one, { environment: 'live' });
    expect(await answer(one.text)).toBe('ok');
    verifier.close();
    await settle();
    expect(reports).toEqual([]);
  });

  test('the server says that nothing is left: 429', async () => {
    await start({ apiKeys: { strict: true } });
    const one = key();
    said(one, { environment: 'live', lease: lease(one, { uses: 0, remaining: 0 }) });
    expect(await request({ authorization: `Bearer ${one.text}` })).toMatchObject({
      status: 429,
      error: 'api_key_quota_exhausted',
    });
  });
});
