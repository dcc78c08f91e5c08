import { describe, expect, test } from 'vitest';
import { configOf, type VerifierOptions } from './options.ts';

const good: VerifierOptions = {
  issuer: 'https://as.example',
  audience: 'https://api.example',
  credentials: { id: 'res_1', secret: 'lk_rs_x' },
  random: () => 0.5,
};
/** Options as a caller without types may write them. */
const made = (change: object) => () => configOf({ ...good, ...change } as VerifierOptions);
const mistake = (change: object) => {
  try {
    made(change)();
    return undefined;
  } catch (error) {
    return error instanceof TypeError ? error.message.replace('createVerifier: ', '') : error;
  }
};

test('what is left out is what the documentation says', () => {
  const { fetch: _, now, monotonic, random, timers, onEvent, ...config } = configOf(good);
  expect(config).toEqual({
    issuer: 'https://as.example',
    audience: 'https://api.example',
    credentials: { id: 'res_1', secret: 'lk_rs_x' },
    basic: `Basic ${btoa('res_1:lk_rs_x')}`,
    cookie: false,
    apiKeys: undefined,
    onStale: 'introspect',
    maxStalenessSeconds: 10,
    maxAcceptSeconds: 300,
    tokenType: 'at+jwt',
    decryptionKeys: [],
    requireEncryption: false,
    sharedSecrets: [],
    leewaySeconds: 30,
    name: 'vi00000',
    instance: 'vi00000-i00000i00000',
    cachedTokensMax: 10_000,
    replay: 'server',
    revocation: 'feed',
    statusIssuer: undefined,
    statusListOrigins: [],
    requireStatus: false,
    onStatusUnavailable: 'unavailable',
    jwksUri: undefined,
  });
  expect(Math.abs(now() - Date.now())).toBeLessThan(60_000);
  expect(monotonic()).toBeLessThanOrEqual(monotonic());
  expect([random(), onEvent({ event: 'feed_lost' })]).toEqual([0.5, undefined]);
});

describe('JWT-28 RFC 8725 §3.9: nothing is guessed', () => {
  test.each([
    [{ issuer: undefined }, 'issuer must be the URL of the server'],
    [{ issuer: '' }, 'issuer must be the URL of the server'],
    [{ issuer: 'as.example' }, 'issuer must be the URL of the server'],
    [{ issuer: ['https://as.example'] }, 'issuer must be the URL of the server'],
    [{ issuer: 'http://as.example' }, 'issuer must be https; plain http is for loopback only'],
    [{ issuer: 'http://localhost.example' }, 'issuer must be https; plain http is for loopback only'],
    [{ issuer: 'ftp://localhost' }, 'issuer must be https; plain http is for loopback only'],
    [{ audience: undefined }, 'audience must be the audience of this API: see latchkey resource list'],
    [{ audience: '' }, 'audience must be the audience of this API: see latchkey resource list'],
    [{ audience: [] }, 'audience must be the audience of this API: see latchkey resource list'],
    [{ credentials: { id: 'res_1' } }, 'credentials must be the id and secret of latchkey resource create'],
    [{ credentials: { id: '', secret: 'x' } }, 'credentials must be the id and secret of latchkey resource create'],
    [{ tokenType: 'jwt' }, "tokenType must be 'at+jwt' or 'JWT'"],
    [{ cookie: 'false' }, 'cookie must be true or false'],
    [{ name: '' }, 'name must be 1 to 60 letters, digits and . _ -'],
    [{ name: 'my api' }, 'name must be 1 to 60 letters, digits and . _ -'],
    [{ name: 'x'.repeat(61) }, 'name must be 1 to 60 letters, digits and . _ -'],
  ])('%j', (change, message) => {
    expect(mistake(change)).toBe(message);
  });
});

test.each(['http://localhost:8400', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://as.example/auth'])(
  'an issuer may be %s',
  (issuer) => {
    expect(mistake({ issuer })).toBeUndefined();
  },
);

describe('what to do when stale', () => {
  test.each([
    [{ credentials: undefined }, "without credentials, say what to do when stale: onStale: 'reject' or 'accept'"],
    [
      { credentials: undefined, onStale: 'introspect' },
      "onStale: 'introspect' needs credentials: see latchkey resource create",
    ],
    [{ onStale: 'Accept' }, "onStale must be 'introspect', 'reject' or 'accept'"],
    [{ onStale: '' }, "onStale must be 'introspect', 'reject' or 'accept'"],
    [{ credentials: undefined, onStale: 'reject' }, undefined],
    [{ credentials: undefined, revocation: 'status_list' }, undefined],
    [{ revocation: 'other' }, "revocation must be 'feed' or 'status_list'"],
    [{ revocation: 'status_list' }, "credentials are for the feed; with revocation: 'status_list' there are none"],
    [{ statusIssuer: 'http://as.example' }, 'statusIssuer must be https; plain http is for loopback only'],
    [{ jwksUri: 'keys' }, 'jwksUri must be the URL of the server'],
    [{ statusListOrigins: ['https://a.example'] }, undefined],
    [{ statusListOrigins: ['https://a.example/'] }, "statusListOrigins must be origins: 'https://status.example'"],
    [{ statusListOrigins: ['x'] }, "statusListOrigins must be origins: 'https://status.example'"],
    [{ requireStatus: 1 }, 'requireStatus must be true or false'],
    [{ onStatusUnavailable: 'accept' }, "onStatusUnavailable must be 'unavailable' or 'refuse'"],
    [{ replay: 'memory' }, undefined],
    [{ replay: { consume: () => Promise.resolve('first') } }, undefined],
    [{ replay: 'redis' }, "replay must be 'server', 'memory' or an object with consume"],
    [{ replay: {} }, "replay must be 'server', 'memory' or an object with consume"],
    [
      { credentials: undefined, onStale: 'reject', replay: 'server' },
      "replay: 'server' needs credentials: see latchkey resource create",
    ],
    [{ credentials: undefined, onStale: 'accept' }, undefined],
  ])('%j', (change, message) => {
    expect(mistake(change)).toBe(message);
  });
});

describe('API keys are taken only where that was said, and as it was said', () => {
  test.each([
    [{}, { header: undefined, environments: ['live'], strict: false }],
    [
      { header: 'X-API-Key', environments: ['test', 'live'], strict: true },
      { header: 'x-api-key', environments: ['test', 'live'], strict: true },
    ],
  ])('%j', (apiKeys, expected) => {
    expect(made({ apiKeys })().apiKeys).toEqual(expected);
  });

  test.each([
    [
      { credentials: undefined, onStale: 'reject', apiKeys: {} },
      'apiKeys needs credentials: see latchkey resource create',
    ],
    [{ apiKeys: true }, 'apiKeys must be an object: { header, environments, strict }'],
    [{ apiKeys: { strict: 'yes' } }, 'apiKeys.strict must be true or false'],
    [{ apiKeys: { environments: [] } }, "apiKeys.environments must be a list of 'live' and 'test'"],
    [{ apiKeys: { environments: 'live' } }, "apiKeys.environments must be a list of 'live' and 'test'"],
    [{ apiKeys: { environments: ['prod'] } }, "apiKeys.environments must be a list of 'live' and 'test'"],
    [
      { apiKeys: { header: 'Authorization' } },
      'apiKeys.header must be the name of a header of its own, like x-api-key',
    ],
    [{ apiKeys: { header: 'cookie' } }, 'apiKeys.header must be the name of a header of its own, like x-api-key'],
    [{ apiKeys: { header: 'x key' } }, 'apiKeys.header must be the name of a header of its own, like x-api-key'],
    [{ apiKeys: { header: '' } }, 'apiKeys.header must be the name of a header of its own, like x-api-key'],
  ])('%j', (change, message) => {
    expect(mistake(change)).toBe(message);
  });
});

describe('numbers have limits', () => {
  const tried = (name: string, values: readonly unknown[]) => values.map((value) => mistake({ [name]: value }));

  test('NUM-06 RFC 7519 §4.1.4: a leeway of 0 to 60 seconds', () => {
    const refused = 'leewaySeconds must be a number from 0 to 60';
    expect(tried('leewaySeconds', [-1, 0, 1, 59, 60, 61, Number.NaN, Number.POSITIVE_INFINITY, '30'])).toEqual([
      refused,
      undefined,
      undefined,
      undefined,
      undefined,
      refused,
      refused,
      refused,
      refused,
    ]);
  });

  test('knowledge of revocations may be 5 seconds to an hour old', () => {
    const refused = 'maxStalenessSeconds must be a number from 5 to 3600';
    expect(tried('maxStalenessSeconds', [4, 5, 6, 3_599, 3_600, 3_601])).toEqual([
      refused,
      undefined,
      undefined,
      undefined,
      undefined,
      refused,
    ]);
  });

  test('the policy accept accepts for 1 second to a day', () => {
    const refused = 'maxAcceptSeconds must be a number from 1 to 86400';
    expect(tried('maxAcceptSeconds', [0, 1, 2, 86_399, 86_400, 86_401])).toEqual([
      refused,
      undefined,
      undefined,
      undefined,
      undefined,
      refused,
    ]);
  });

  test('1 to 1,000,000 tokens are kept', () => {
    const refused = 'cachedTokensMax must be a number from 1 to 1000000';
    expect(tried('cachedTokensMax', [0, 1, 2, 999_999, 1_000_000, 1_000_001])).toEqual([
      refused,
      undefined,
      undefined,
      undefined,
      undefined,
      refused,
    ]);
  });
});

test('RFC 6749 §2.3.1: credentials are form-encoded before they are joined', () => {
  expect(configOf({ ...good, credentials: { id: 'a:b', secret: 'c d%' } }).basic).toBe(
    `Basic ${btoa('a%3Ab:c%20d%25')}`,
  );
});
