import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { LIMITS } from '@latchkey/protocol/limits';
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

describe('JWE-07, JWT-11: keys and secrets are taken as they are made, and what they hold is never told', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ECDH-ES+A256KW' };
  const { d: _, ...publicHalf } = key;
  const PEM = privateKey.export({ format: 'pem', type: 'pkcs8' });
  const secret = randomBytes(32).toString('base64url');
  const shared = { kid: 's1', secret };
  const many = <T>(count: number, one: (n: number) => T) => Array.from({ length: count }, (__, n) => one(n));
  const KEYS = 'decryptionKeys must be private keys as JWK, with kid and alg: see latchkey resource encryption-key';
  const SECRETS =
    'sharedSecrets must be { kid, secret }, the secret 32 bytes at least in base64url: see latchkey resource rotate-shared-secret';
  const max = LIMITS.keySetKeysMax;

  test.each([
    ['one key', { decryptionKeys: [key], requireEncryption: true }, undefined],
    ['as many keys as may be', { decryptionKeys: many(max, (n) => ({ ...key, kid: `k${n}` })) }, undefined],
    [
      'one more',
      { decryptionKeys: many(max + 1, (n) => ({ ...key, kid: `k${n}` })) },
      `decryptionKeys must be ${max} at most`,
    ],
    ['the public half', { decryptionKeys: [publicHalf] }, KEYS],
    ['no kid', { decryptionKeys: [{ ...key, kid: undefined }] }, KEYS],
    ['no alg', { decryptionKeys: [{ ...key, alg: undefined }] }, KEYS],
    ['another alg', { decryptionKeys: [{ ...key, alg: 'RSA-OAEP-256' }] }, KEYS],
    ['for signatures', { decryptionKeys: [{ ...key, use: 'sig' }] }, KEYS],
    ['no list', { decryptionKeys: key }, 'decryptionKeys must be a list of private keys as JWK'],
    ['two of one kid', { decryptionKeys: [key, key] }, 'two decryptionKeys have the same kid'],
    ['null', { decryptionKeys: [null] }, KEYS],
    ['encryption without keys', { requireEncryption: true }, 'requireEncryption needs decryptionKeys'],
    ['no switch', { decryptionKeys: [key], requireEncryption: 'yes' }, 'requireEncryption must be true or false'],
    ['one secret', { sharedSecrets: [shared] }, undefined],
    ['as many secrets as may be', { sharedSecrets: many(max, (n) => ({ kid: `s${n}`, secret })) }, undefined],
    [
      'one more',
      { sharedSecrets: many(max + 1, (n) => ({ kid: `s${n}`, secret })) },
      `sharedSecrets must be ${max} at most`,
    ],
    ['no list', { sharedSecrets: shared }, 'sharedSecrets must be a list of { kid, secret }'],
    ['two of one kid', { sharedSecrets: [shared, shared] }, 'two sharedSecrets have the same kid'],
    ['a text alone', { sharedSecrets: [secret] }, SECRETS],
    ['null', { sharedSecrets: [null] }, SECRETS],
    ['no kid', { sharedSecrets: [{ secret }] }, SECRETS],
    ['an empty kid', { sharedSecrets: [{ kid: '', secret }] }, SECRETS],
    ['a kid that is too long', { sharedSecrets: [{ kid: 'x'.repeat(LIMITS.kidMax + 1), secret }] }, SECRETS],
    ['31 bytes', { sharedSecrets: [{ kid: 's', secret: secret.slice(0, -2) }] }, SECRETS],
    ['padded base64', { sharedSecrets: [{ kid: 's', secret: `${secret}=` }] }, SECRETS],
    ['a key in PEM', { sharedSecrets: [{ kid: 's', secret: PEM }] }, SECRETS],
    ['a key as JWK', { sharedSecrets: [{ kid: 's', secret: JSON.stringify(key) }] }, SECRETS],
  ])('%s', (__, change, message) => {
    const told = mistake(change);
    expect(told).toEqual(message);
    for (const one of [secret.slice(0, 41), String(key.d), 'BEGIN']) expect(String(told)).not.toContain(one);
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
