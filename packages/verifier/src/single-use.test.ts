import { LIMITS } from '@latchkey/protocol/limits';
import {
  createStubIssuer,
  json,
  STUB_AUDIENCE,
  STUB_ISSUER,
  type StubIssuer,
  settle,
} from '@latchkey/testkit/stub-issuer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createVerifier, type ReplayPort, type Verifier, type VerifierOptions } from './index.ts';

const START = 1_795_000_000_000;
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
});
afterEach(() => verifier.close());

/** A verifier that has seen the log, a minute after it was made. */
async function made(options: Partial<VerifierOptions> = {}): Promise<void> {
  verifier = createVerifier({
    issuer: STUB_ISSUER,
    audience: STUB_AUDIENCE,
    credentials: { id: 'res_1', secret: 'x' },
    fetch: stub.fetch,
    now: () => now,
    monotonic: () => monotonic,
    onEvent: ({ event, reason }) => {
      if (event === 'replay_unavailable') reasons.push(reason);
    },
    ...options,
  });
  await settle();
  now += 60_000;
  monotonic += 60_000;
  await stub.streams[0]?.end();
  await expect.poll(() => stub.streams.length).toBe(2);
  await stub.streams[1]?.beat(now);
  await verifier.ready();
}
const mint = (change: object = {}) => stub.mint(Math.floor(now / 1000), change);
const bearer = (token: string) => ({
  method: 'POST',
  header: (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined),
});
async function use(token: string, asked = {}): Promise<unknown> {
  const result = await verifier.once(bearer(token), asked);
  return result.ok ? 'ok' : [result.error.status, result.error.error];
}
/** A server that remembers. */
function remembering(): void {
  const used = new Set<string>();
  stub.on('/once', async (request) => {
    const text = await request.text();
    const isFirst = !used.has(text);
    used.add(text);
    return json({ use: isFirst ? 'first' : 'seen' });
  });
}

test('token_used: a token is accepted once; verified without once, it is good as before', async () => {
  await made();
  remembering();
  const token = mint();
  expect([await use(token), await use(token)]).toEqual(['ok', [401, 'token_used']]);
  expect((await verifier.authenticate(bearer(token))).ok).toBe(true);
  expect((await verifier.authenticate(bearer(token), { once: true })).ok).toBe(false);
});

test('the server is told jti, exp and place in the log of the token, and not the token', async () => {
  await made();
  let asked: unknown;
  stub.on('/once', async (request) => {
    asked = [request.headers.get('authorization'), await request.json()];
    return json({ use: 'first' });
  });
  await use(mint({ jti: 'tok_a' }));
  expect(asked).toEqual([
    `Basic ${btoa('res_1:x')}`,
    { jti: 'tok_a', exp: Math.floor(now / 1000) + 300, pos: '7:100' },
  ]);
});

test('a request that is refused for another reason uses nothing up', async () => {
  await made();
  remembering();
  const token = mint();
  expect(await use(token, { scope: ['admin'] })).toEqual([403, 'scope_insufficient']);
  expect(await use(`${token.slice(0, -4)}AAAA`)).toEqual([401, 'token_signature_invalid']);
  expect(stub.asks('/once')).toBe(0);
  expect(await use(token)).toBe('ok');
});

test.each<[string, () => Response | Promise<Response>]>([
  ['does not answer', () => Promise.reject(new TypeError('no route'))],
  ['has no room', () => json({ error: 'temporarily_unavailable' }, 429)],
  ['fails', () => json({}, 500)],
  ['says nothing', () => json({})],
  ['says something else', () => json({ use: 'maybe' })],
  ['sends no JSON', () => new Response('first')],
  ['sends too much', () => json({ use: 'first', more: 'x'.repeat(2_000) })],
  ['sends elsewhere', () => new Response(null, { status: 307, headers: { location: 'https://evil.example' } })],
])('replay_unavailable: when the server %s, nobody gets in', async (_, answer) => {
  await made();
  stub.on('/once', answer);
  const refused = await verifier.once(bearer(mint()));
  expect(refused).toMatchObject({ ok: false, error: { status: 503, error: 'replay_unavailable' } });
  expect(reasons).toEqual([expect.any(String)]);
});

test('credential_not_single_use: what was accepted without knowing whether it was revoked is not used once', async () => {
  await made({ onStale: 'accept' });
  remembering();
  monotonic += 20_000;
  const token = mint();
  expect((await verifier.authenticate(bearer(token))).ok).toBe(true);
  expect(await use(token)).toEqual([401, 'credential_not_single_use']);
  expect(stub.asks('/once')).toBe(0);
});

test('a token without its place in the log counts as used: nobody could tell whether a use of it was lost', async () => {
  await made();
  remembering();
  expect(await use(mint({ pos: undefined }))).toEqual([401, 'token_used']);
});

test('memory: each token once, none from before the process began, though our clock be behind that of the issuer', async () => {
  await made({ replay: 'memory', leewaySeconds: 20 });
  const began = START / 1000 + 20;
  const token = mint();
  expect([await use(token), await use(token)]).toEqual(['ok', [401, 'token_used']]);
  const uses: unknown[] = [];
  for (const iat of [began - 1, began, began + 1]) uses.push(await use(mint({ iat })));
  expect(uses).toEqual([[401, 'token_used'], [401, 'token_used'], 'ok']);
  expect(stub.asks('/once')).toBe(0);
});

test('memory: there is room for so many tokens; one more is refused, and let in when others have expired', async () => {
  await made({ replay: 'memory' });
  const port = await import('./replay.ts').then(({ replayPortOf }) =>
    replayPortOf({ replay: 'memory', now: () => now, leewaySeconds: 0, onEvent: () => {} } as never),
  );
  if (port === undefined) throw new Error('no port');
  const claims = { iat: Math.floor(now / 1000) + 1 } as never;
  const until = Math.floor(now / 1000) + 10;
  for (let n = 1; n <= LIMITS.usesRememberedMax; n++) await port.consume(`${n}`, until, claims);
  await expect(port.consume('more', until, claims)).rejects.toThrow('no room');
  now += 10_000;
  expect(await port.consume('more', until, claims)).toBe('first');
});

test('a store of one’s own is told a key, until when, and the claims; when it fails, nobody gets in', async () => {
  const heard: unknown[] = [];
  let answer: () => 'first' | 'seen' = () => 'first';
  const replay: ReplayPort = {
    async consume(key, until, { jti }) {
      heard.push([key, until, jti]);
      return answer();
    },
  };
  await made({ replay });
  const token = mint({ jti: 'tok_b' });
  expect(await use(token)).toBe('ok');
  expect(heard).toEqual([[`once ${STUB_ISSUER} ${STUB_AUDIENCE} tok_b`, Math.floor(now / 1000) + 480, 'tok_b']]);
  answer = () => 'seen';
  expect(await use(token)).toEqual([401, 'token_used']);
  answer = () => {
    throw new Error('gone');
  };
  expect([await use(token), reasons]).toEqual([[503, 'replay_unavailable'], ['gone']]);
});

test('where nobody remembers, nothing is used once', async () => {
  await made({ credentials: undefined as never, onStale: 'reject' });
  expect([await use(mint()), reasons]).toEqual([
    [503, 'replay_unavailable'],
    [expect.stringContaining("the option 'replay'")],
  ]);
});

test('at most 200 questions are under way; one more is refused', async () => {
  await made();
  let release = () => {};
  const waiting = new Promise<void>((resolve) => {
    release = resolve;
  });
  stub.on('/once', async () => {
    await waiting;
    return json({ use: 'first' });
  });
  const uses = Array.from({ length: 201 }, () => use(mint()));
  await settle();
  expect(stub.asks('/once')).toBe(200);
  release();
  const answers = (await Promise.all(uses)).map(String);
  expect([answers.filter((one) => one === 'ok').length, answers.at(-1)]).toEqual([200, '503,replay_unavailable']);
});
