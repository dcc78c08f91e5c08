import { createStubIssuer, json, STUB_ISSUER, type StubIssuer } from '@latchkey/testkit/stub-issuer';
import { beforeEach, describe, expect, test } from 'vitest';
import { createIntrospector, type Introspector } from './introspection.ts';
import { systemTimers } from './system-timers.ts';

const ENDPOINT = `${STUB_ISSUER}/introspect`;
let stub: StubIssuer;
let introspector: Introspector;
let time: number;

beforeEach(async () => {
  stub = await createStubIssuer();
  time = 0;
  introspector = createIntrospector({
    basic: 'Basic abc',
    fetch: stub.fetch,
    timers: systemTimers,
    monotonic: () => time,
  });
});
const asks = () => stub.asks('/introspect');
const isActive = (token = 'token') => introspector.isActive(token, ENDPOINT);

test('INT-02 RFC 7662 §2.1: the token stands in a form, behind the credential, and nowhere else', async () => {
  let request: Request | undefined;
  stub.on('/introspect', (asked) => {
    request = asked.clone();
    return json({ active: true });
  });
  expect(await isActive('a+b/c=')).toBe(true);
  expect([request?.method, request?.url, request?.redirect, await request?.text()]).toEqual([
    'POST',
    ENDPOINT,
    'error',
    'token=a%2Bb%2Fc%3D',
  ]);
  expect(Object.fromEntries(request?.headers ?? [])).toEqual({
    accept: 'application/json',
    authorization: 'Basic abc',
    'content-type': 'application/x-www-form-urlencoded',
  });
});

describe('INT-11 RFC 7662 §2.2: whatever is no clear yes is no', () => {
  test.each([
    ['no', () => json({ active: false }), false],
    ['no status of success', () => json({ active: true }, 500), undefined],
    ['an error of ours', () => json({ error: 'invalid_client' }, 401), undefined],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: '/' } }), undefined],
    ['no JSON', () => new Response('active'), undefined],
    ['half of one', () => new Response('{"active":true'), undefined],
    ['no body', () => new Response(null), undefined],
    ['active as text', () => json({ active: 'true' }), undefined],
    ['active as a number', () => json({ active: 1 }), undefined],
    ['active as null', () => json({ active: null }), undefined],
    ['no active', () => json({ sub: 'x' }), undefined],
    ['active in a list', () => json([{ active: true }]), undefined],
    ['active on the prototype', () => new Response('{"__proto__":{"active":true}}'), undefined],
    ['true alone', () => json(true), undefined],
    ['more than it may be', () => new Response(`{"active":true,"x":"${'x'.repeat(70_000)}"}`), undefined],
    ['no connection', () => Promise.reject(new TypeError('fetch failed')), undefined],
  ])('%s', async (_, handler, expected) => {
    stub.on('/introspect', handler);
    expect(await isActive()).toBe(expected);
    stub.on('/introspect');
    expect([await isActive(), asks()]).toEqual([true, 2]); // and it was not kept
  });

  test('no answer within 3 seconds', async () => {
    let aborted: unknown;
    stub.on(
      '/introspect',
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = signal.reason;
            reject(signal.reason);
          });
        }),
    );
    expect(await isActive()).toBeUndefined();
    expect(aborted).toMatchObject({ message: 'no answer in 3000 ms' });
  });
});

describe('a server in trouble is asked as little as can be', () => {
  test('one token at a time is asked about once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => isActive()));
    expect([new Set(answers), asks()]).toEqual([new Set([true]), 1]);
  });

  test('so many questions are under way at a time, and one more is not asked', async () => {
    const waiting: (() => void)[] = [];
    stub.on('/introspect', () => new Promise((resolve) => waiting.push(() => resolve(json({ active: true })))));
    const many = Array.from({ length: 51 }, (_, n) => isActive(`token ${n}`));
    expect(await many[50]).toBeUndefined();
    expect(asks()).toBe(50);
    for (const answer of waiting) answer();
    expect(await Promise.all(many.slice(0, 50))).toEqual(Array(50).fill(true));
    stub.on('/introspect');
    expect(await isActive('token 50')).toBe(true);
  });

  test('INT-10: a yes is kept for 60 seconds from when it was asked for, a no is not', async () => {
    stub.on('/introspect', () => {
      time += 500;
      return json({ active: true });
    });
    expect(await isActive()).toBe(true);
    const seen: number[] = [];
    for (const at of [59_999, 60_000]) {
      time = at;
      await isActive();
      seen.push(asks());
    }
    expect(seen).toEqual([1, 2]);
    stub.on('/introspect', () => json({ active: false }));
    expect([await isActive('other'), await isActive('other'), asks()]).toEqual([false, false, 4]);
  });

  test('a yes for one token is none for another', async () => {
    expect(await isActive('one')).toBe(true);
    stub.on('/introspect', () => json({ active: false }));
    expect([await isActive('one'), await isActive('one '), await isActive('on')]).toEqual([true, false, false]);
  });

  test('as many are kept as may be: the oldest goes', async () => {
    for (let n = 0; n <= 10_000; n++) await isActive(`token ${n}`);
    const before = asks();
    await isActive('token 1');
    expect(asks()).toBe(before);
    await isActive('token 0');
    expect(asks()).toBe(before + 1);
  });

  test('when the feed is back, which knows better, all of them go', async () => {
    await isActive();
    introspector.clear();
    await isActive();
    expect(asks()).toBe(2);
  });
});
