import { LIMITS } from '@latchkey/protocol/limits';
import { createStubIssuer, json, STUB_ISSUER, type StubIssuer, settle } from '@latchkey/testkit/stub-issuer';
import { generateSigningKey } from '@latchkey/tokens/keys/generate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeySource, type KeySource, metadataUrl } from './key-source.ts';
import { systemTimers } from './system-timers.ts';

const METADATA = '/.well-known/oauth-authorization-server';
let stub: StubIssuer;
let source: KeySource;
let time: number;
let heard: unknown[];
let gone: number;

beforeEach(async () => {
  stub = await createStubIssuer();
  time = 1_000_000;
  heard = [];
  gone = 0;
  source = createKeySource(
    {
      issuer: STUB_ISSUER,
      fetch: stub.fetch,
      timers: systemTimers,
      monotonic: () => time,
      onEvent: (event) => heard.push(event),
    },
    () => {
      gone += 1;
    },
  );
});
afterEach(() => source.close());

const fetches = () => stub.asks('/jwks.json');

test('keys are fetched once and kept: by whoever waits first, for all who wait', async () => {
  expect(source.current).toBeUndefined();
  await Promise.all(Array.from({ length: 20 }, () => source.ready()));
  await source.ready();
  expect([source.current?.kids, source.introspectionEndpoint]).toEqual([
    [stub.key.jwk.kid],
    `${STUB_ISSUER}/introspect`,
  ]);
  expect([stub.asked, heard]).toEqual([[METADATA, '/jwks.json'], [{ event: 'keys_fetched' }]]);
});

describe('KEY-06: nobody can make us fetch in a storm', () => {
  test('many unknown keys at a time make one fetch', async () => {
    await source.ready();
    time += 30_000;
    const found = await Promise.all(Array.from({ length: 1_000 }, () => source.lookAgain()));
    expect([new Set(found), fetches()]).toEqual([new Set([true]), 2]);
  });

  test('one after the other, too: one in 30 seconds, counted from the last', async () => {
    await source.ready();
    const seen: unknown[] = [];
    for (const wait of [0, 29_999, 1, 1, 29_998, 1]) {
      time += wait;
      seen.push([await source.lookAgain(), fetches()]);
    }
    expect(seen).toEqual([
      [false, 1],
      [false, 1],
      [true, 2],
      [false, 2],
      [false, 2],
      [true, 3],
    ]);
  });

  test('one that fails counts as well, and what was known stays', async () => {
    await source.ready();
    const before = source.current;
    stub.on(METADATA, () => json({}, 500));
    time += 30_000;
    expect([await source.lookAgain(), await source.lookAgain()]).toEqual([false, false]);
    expect([stub.asks(METADATA), source.current === before]).toEqual([2, true]);
  });

  test('without any keys, whoever waits makes one attempt a second', async () => {
    stub.on(METADATA, () => json({}, 503));
    const attempts: number[] = [];
    for (const wait of [0, 0, 999, 1, 1, 998, 1]) {
      time += wait;
      await expect(source.ready()).rejects.toThrow();
      attempts.push(stub.asks(METADATA));
    }
    expect(attempts).toEqual([1, 1, 1, 2, 2, 2, 3]);
    stub.on(METADATA);
    time += 1_000;
    await source.ready();
    expect(source.current?.kids).toEqual([stub.key.jwk.kid]);
  });
});

describe('keys do not get old', () => {
  test('a key set is fetched again when it is older than the server lets it be: 299, 300 and 301 seconds', async () => {
    await source.ready();
    const seen: number[] = [];
    for (const wait of [299_000, 1_000, 1]) {
      time += wait;
      expect(source.current?.kids).toEqual([stub.key.jwk.kid]); // at once: nobody waits for it
      await settle();
      seen.push(fetches());
    }
    expect(seen).toEqual([1, 1, 2]);
  });

  test('while the server does not answer, what is known is used, and asked for every 30 seconds', async () => {
    await source.ready();
    stub.on(METADATA, () => Promise.reject(new TypeError('fetch failed')));
    const seen: unknown[] = [];
    for (const wait of [300_001, 29_999, 1]) {
      time += wait;
      expect(source.current?.kids).toEqual([stub.key.jwk.kid]);
      await settle();
      seen.push(stub.asks(METADATA));
    }
    expect(seen).toEqual([2, 2, 3]);
    expect(heard.at(-1)).toEqual({ event: 'keys_unavailable', reason: 'fetch failed' });
  });

  test('KEY-06: a key that a new key set lacks is told of, since nothing under it is good any more', async () => {
    const next = await generateSigningKey('Ed25519');
    await source.ready();
    stub.publish(stub.key.jwk, next.jwk);
    source.refetch();
    await settle();
    expect([source.current?.kids, gone]).toEqual([[stub.key.jwk.kid, next.jwk.kid], 0]);
    stub.publish(next.jwk);
    source.refetch();
    await settle();
    expect([source.current?.kids, gone]).toEqual([[next.jwk.kid], 1]);
  });
});

describe('META-02 RFC 8414 §3.3: what is not the issuer’s own is not believed', () => {
  const good = { issuer: STUB_ISSUER, jwks_uri: `${STUB_ISSUER}/jwks.json` };
  test.each([
    ['another issuer', { ...good, issuer: 'https://other.example' }, 'the metadata are of another issuer'],
    ['the issuer with a slash', { ...good, issuer: `${STUB_ISSUER}/` }, 'the metadata are of another issuer'],
    ['no issuer', { jwks_uri: good.jwks_uri }, 'the metadata are of another issuer'],
    ['no object', null, 'the metadata are of another issuer'],
    ['no key set', { issuer: STUB_ISSUER }, 'the metadata name no key set'],
    ['a key set that is no text', { ...good, jwks_uri: 1 }, 'the metadata name no key set'],
    ['a key set without TLS', { ...good, jwks_uri: 'http://as.example/jwks.json' }, 'the metadata name no key set'],
  ])('%s', async (_, document, reason) => {
    stub.on(METADATA, () => json(document));
    await expect(source.ready()).rejects.toThrow(reason);
    expect([source.current, heard]).toEqual([undefined, [{ event: 'keys_unavailable', reason }]]);
  });

  test('an introspection endpoint without TLS is not used: it would carry the credential', async () => {
    stub.on(METADATA, () => json({ ...good, introspection_endpoint: 'http://as.example/introspect' }));
    await source.ready();
    expect(source.introspectionEndpoint).toBeUndefined();
  });

  test.each([
    ['no JSON', () => new Response('<html>')],
    ['no UTF-8', () => new Response(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ['no body', () => new Response(null)],
    ['no key set', () => json({})],
    ['keys that are none', () => json({ keys: [1, null, 'x', {}] })],
    ['no key', () => json({ keys: [] })],
    ['an error', () => json({ keys: [] }, 404)],
  ])('a key set that is %s', async (_, handler) => {
    stub.on('/jwks.json', handler);
    await expect(source.ready()).rejects.toThrow();
    expect(source.current).toBeUndefined();
  });

  test('a key set of 65536 bytes at most', async () => {
    const text = JSON.stringify({ keys: [stub.key.jwk] });
    const sized = (bytes: number) => () => new Response(text + ' '.repeat(bytes - text.length));
    const seen: boolean[] = [];
    for (const more of [-1, 0, 1]) {
      stub.on('/jwks.json', sized(LIMITS.keySetBytesMax + more));
      time += 30_000;
      const before = source.current;
      await source.ready().catch(() => {});
      if (before !== undefined) await source.lookAgain();
      seen.push(source.current !== before);
    }
    expect(seen).toEqual([true, true, false]);
  });

  test('redirects are not followed', async () => {
    const modes: string[] = [];
    stub.on(METADATA, ({ redirect }) => {
      modes.push(redirect);
      return json(good);
    });
    stub.on('/jwks.json', ({ redirect }) => {
      modes.push(redirect);
      return json({ keys: [stub.key.jwk] });
    });
    await source.ready();
    expect(modes).toEqual(['error', 'error']);
  });
});

test('RFC 8414 §3.1: the path of the issuer stands behind the well-known name', () => {
  expect(metadataUrl('https://as.example')).toBe(`https://as.example${METADATA}`);
  expect(metadataUrl('https://as.example/')).toBe(`https://as.example${METADATA}`);
  expect(metadataUrl('https://as.example/a/b')).toBe(`https://as.example${METADATA}/a/b`);
});

test('closed, it lets go of what is under way', async () => {
  stub.on(
    METADATA,
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  );
  const ready = source.ready();
  source.close();
  await expect(ready).rejects.toThrow('aborted');
});
