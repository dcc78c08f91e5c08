import { read } from '@latchkey/testkit/people';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ISSUER = 'https://id.example';
let at: TestServer;
beforeAll(async () => {
  at = await startTestServer({ settings: { mode: 'production', issuer: ISSUER, trustedProxies: '127.0.0.1' } });
});
afterAll(() => at.close());

const get = async (url: string) => {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.1' };
  const answer = await at.fetch(url, { headers });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringContaining('json')]);
  return (await read(answer)).body as Readonly<Record<string, unknown>>;
};

/** Members that say yes or no; the others that end so are lists. */
const isFlag = (name: string): boolean => /(?:_parameter|_logout|_logout_session|_iss_parameter)_supported$/.test(name);

test('oidcc-discovery-endpoint-verification: the document says what a Basic OP must, of https endpoints and sound keys', async () => {
  const document = await get('/.well-known/openid-configuration');
  expect(document.issuer).toBe(ISSUER);
  const urls = Object.entries(document).filter(([name]) => /_endpoint$|_uri$/.test(name));
  expect(urls.map(([name]) => name)).toEqual(
    expect.arrayContaining(['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri']),
  );
  for (const [name, url] of urls)
    expect([name, url]).toEqual([name, expect.stringMatching(/^https:\/\/id\.example\//)]);
  for (const [name, value] of Object.entries(document)) {
    if (name.endsWith('_supported') && !isFlag(name))
      expect([name, Array.isArray(value) && value.every((one) => typeof one === 'string')]).toEqual([name, true]);
    if (isFlag(name)) expect([name, typeof value]).toEqual([name, 'boolean']);
  }
  expect(document.response_types_supported).toContain('code');
  expect(document.subject_types_supported).toEqual(['public', 'pairwise']);
  expect(document.id_token_signing_alg_values_supported).toContain('RS256');
  expect(document.scopes_supported).toContain('openid');
  expect(document.grant_types_supported).toContain('authorization_code');
  expect(document.claims_supported).toContain('sub');

  const { keys } = (await get(String(document.jwks_uri))) as {
    readonly keys: readonly Readonly<Record<string, string>>[];
  };
  const rsa = keys.filter(({ kty }) => kty === 'RSA');
  expect(rsa.length).toBeGreaterThan(0);
  for (const { n = '' } of rsa) expect(Buffer.from(n, 'base64url').length * 8).toBeGreaterThanOrEqual(2048);
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
  for (const key of keys)
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) expect(key).not.toHaveProperty(secret);
});
