import { idText } from '@latchkey/protocol/ids';
import { createStubIssuer, STUB_AUDIENCE, STUB_ISSUER, type StubIssuer, settle } from '@latchkey/testkit/stub-issuer';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { encodeOpaqueToken } from '@latchkey/tokens/formats/opaque-token';
import { createVerifier, type Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, ask, FRAMEWORKS, type Running } from './frameworks.ts';
import { bearer, type Given, invalid, malformed, missing, plain, REFUSED, refusal, told } from './same-answers.ts';

const NOW = Math.floor(Date.now() / 1000);
let stub: StubIssuer;
let verifier: Verifier;
const running: Record<string, Running> = {};

beforeAll(async () => {
  stub = await createStubIssuer();
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    apiKeys: { header: 'x-api-key' },
    fetch: stub.fetch,
  });
  await settle();
  await stub.streams[0]?.beat(Date.now());
  await verifier.ready();
  for (const [name, start] of Object.entries(FRAMEWORKS)) running[name] = await start(verifier);
});
afterAll(async () => {
  for (const one of Object.values(running)) await one.close();
  verifier.close();
});

let made = 0;
const random = (bytes: number) => new Uint8Array(bytes).fill(++made);
function opaque(change: object = {}): string {
  const text = encodeOpaqueToken({ keyId: 1, random: random(16) }, random(32));
  stub.say(text, NOW, { scope: 'read', ...change });
  return text;
}
function apiKey(terms: (id: string) => object = () => ({}), change: object = {}): string {
  const id = idText('key', random(16));
  const text = encodeApiKey(id, 'live', random(32));
  const ids = { sub: 'acc_1', client_id: id, jti: id, api_key: id, sid: undefined, fid: undefined };
  stub.say(text, NOW, { ...ids, scope: 'read', terms: { environment: 'live', ...terms(id) }, ...change });
  return text;
}
const lease = (id: string, uses: number) => ({
  lease: { id: `lea_${id}`, api_key: id, uses, until: NOW + 600, limit: 1_000, remaining: 0, reset: NOW + 86_400 },
});

/** What every framework answers, which is the same. */
async function answer(asked: Asked): Promise<ReturnType<typeof plain>> {
  const seen: ReturnType<typeof plain>[] = [];
  for (const { port } of Object.values(running)) seen.push(plain(await ask(port, asked)));
  const [first] = seen;
  if (first === undefined) throw new Error('no framework answered');
  return first;
}
async function expectAll(asked: Asked, expected: object): Promise<void> {
  for (const [name, { port }] of Object.entries(running))
    expect({ name, ...plain(await ask(port, asked)) }).toEqual({ name, ...expected });
}
const things = (...headers: readonly string[]): Asked => ({ path: '/things', headers });
const inHeader = (text: string): readonly string[] => ['x-api-key', text];
const GIVEN: Given = { audience: STUB_AUDIENCE, subject: 'acc_1', token: '', expired: '', forged: '' };
const granted = (headers: object = {}) => ({
  status: 200,
  headers: expect.objectContaining({
    'cache-control': 'private',
    vary: 'Authorization, x-api-key',
    ...headers,
  }),
  body: JSON.stringify({ subject: 'acc_1' }),
});

describe.each([
  ['opaque tokens', () => opaque()],
  ['API keys', () => apiKey()],
])('RSV-16: %s are refused as JWTs are, everywhere alike', (_, token) => {
  // an expired one is refused by the server, which says nothing of it
  const rows = REFUSED.filter(([name]) => !name.startsWith('RSV-02'));
  test.each(rows)('%s', async (__, asked, expected) => {
    const text = token();
    const given: Given = { ...GIVEN, token: text, forged: `${text.slice(0, -4)}AAAA` };
    await expectAll(asked(given), expected(given));
  });

  test('one that the server does not know', async () => {
    const text = token();
    stub.sayNo(text);
    await expectAll(things(...bearer(text)), invalid(GIVEN));
  });

  test('a good one is let in', async () => {
    await expectAll(things(...bearer(token())), granted());
  });
});

describe('RSV-16: what only API keys have, everywhere alike', () => {
  test('a header of their own', async () => {
    await expectAll(things(...inHeader(apiKey())), granted());
    await expectAll(things(...inHeader('x')), invalid(GIVEN));
    await expectAll(things(...inHeader('')), invalid(GIVEN));
    await expectAll(things(...inHeader(opaque())), invalid(GIVEN));
    await expectAll({ path: `/things?x-api-key=${apiKey()}` }, missing(GIVEN));
  });

  test('RSV-04: two credentials', async () => {
    const text = apiKey();
    for (const headers of [
      [...inHeader(text), ...bearer(text)],
      [...inHeader(text), ...bearer(opaque())],
      [...inHeader(text), ...inHeader(text)],
    ])
      await expectAll(things(...headers), malformed(GIVEN));
  });

  test('networks: the address is the peer of the socket', async () => {
    await expectAll(things(...bearer(apiKey(() => ({ networks: ['127.0.0.0/8'] })))), granted());
    await expectAll(things(...bearer(apiKey(() => ({ networks: ['10.0.0.0/8'] })))), invalid(GIVEN));
    const forwarded = ['x-forwarded-for', '10.1.2.3', 'forwarded', 'for=10.1.2.3'];
    await expectAll(things(...bearer(apiKey(() => ({ networks: ['10.0.0.0/8'] }))), ...forwarded), invalid(GIVEN));
  });

  test('a quota is told on what is granted', async () => {
    const text = apiKey((id) => lease(id, 100));
    await answer(things(...bearer(text)));
    await expectAll(
      things(...bearer(text)),
      granted({
        'ratelimit-policy': '"quota";q=1000',
        ratelimit: expect.stringMatching(/^"quota";r=9\d;t=86[34]\d\d$/),
      }),
    );
  });

  test('api_key_quota_exhausted: 429, and when it begins anew', async () => {
    const text = apiKey((id) => lease(id, 0));
    const { status, body } = told(
      429,
      'temporarily_unavailable',
      'The API key has no uses left in this period.',
    )(GIVEN);
    await expectAll(things(...bearer(text)), {
      status,
      body,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'content-length': expect.any(String),
        'retry-after': expect.stringMatching(/^86[34]\d\d$/),
        'ratelimit-policy': '"quota";q=1000',
        ratelimit: expect.stringMatching(/^"quota";r=0;t=86[34]\d\d$/),
      },
    });
  });

  test('api_key_rate_limited: 429, and when there is a use again', async () => {
    const text = apiKey(() => ({ rate: { limit: 1, seconds: 3_600, verifiers: 1 } }));
    expect((await ask(running.Express?.port ?? 0, things(...bearer(text)))).status).toBe(200);
    await expectAll(things(...bearer(text)), {
      ...refusal(429, undefined, {
        error: 'temporarily_unavailable',
        error_description: 'The API key is used more often than its rate allows.',
      })(GIVEN),
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'content-length': expect.any(String),
        'retry-after': expect.stringMatching(/^3[56]\d\d$/),
        'ratelimit-policy': '"rate";q=1;w=3600',
        ratelimit: expect.stringMatching(/^"rate";r=0;t=3[56]\d\d$/),
      },
    });
  });
});
