// (f) What a check of each kind of credential costs, and what a verifier that knows many of them holds in memory.
import { apiKey } from '@better-auth/api-key';
import { createVerifier, type Verifier } from '@latchkey/verifier';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { start } from '../processes.ts';
import { interleave, median } from '../statistics.ts';
import { type Latchkey, mintTokens } from '../subjects/latchkey.ts';

const IS_TRIAL = process.env.LATCHKEY_BENCH_TRIAL === '1';
const ROUNDS = IS_TRIAL ? 3 : 15;
const WARM_UPS = IS_TRIAL ? 2 : 10;
const CREDENTIALS = IS_TRIAL ? 50 : 300;
const REPEATS = 200;
/** A check that takes milliseconds needs fewer of them for a figure. */
const PEER_REPEATS = 1;
const CACHED = IS_TRIAL ? 2_000 : 100_000;
const REVOKED = IS_TRIAL ? 200 : 10_000;

/** Microseconds of one check, each a median of interleaved rounds; network calls of one warm check; memory in megabytes. */
export interface CredentialFigures {
  readonly warm: Readonly<Record<string, number>>;
  readonly cold: Readonly<Record<string, number>>;
  readonly callsWarm: number;
  readonly memory: Readonly<Record<string, number>>;
  readonly cached: number;
  readonly revoked: number;
}

export async function measureCredentials(latchkey: Latchkey): Promise<CredentialFigures> {
  const { issuer } = latchkey;
  const opaque = await latchkey.api('opaque');
  const signed = await latchkey.api('jwt');
  const jwts = await mintTokens(issuer, signed.machine, CREDENTIALS);
  const opaques = await mintTokens(issuer, opaque.machine, CREDENTIALS);
  const keys = await signed.apiKeys(CREDENTIALS);

  const calls = { count: 0 };
  const counted: typeof fetch = (input, init) => {
    if (String(input).endsWith('/introspect')) calls.count += 1;
    return fetch(input, init);
  };
  const verifierOf = (api: typeof opaque) =>
    createVerifier({ issuer, audience: api.audience, credentials: api.resource, apiKeys: {}, fetch: counted });
  const ofSigned = verifierOf(signed);
  const ofOpaque = verifierOf(opaque);
  await Promise.all([ofSigned.ready(), ofOpaque.ready()]);
  for (const [verifier, all] of [
    [ofSigned, jwts],
    [ofSigned, keys],
    [ofOpaque, opaques],
  ] as const)
    for (const text of all) await accepted(verifier, text);
  const before = calls.count;

  const peer = await betterAuthKeys(Math.min(50, CREDENTIALS));
  const now = (verifier: Verifier, texts: readonly string[]) => {
    // each request brings its own string, as it does from a socket: equal, never the same object
    const copies = texts.map((text) => Buffer.from(text).toString());
    return () => {
      const begun = process.hrtime.bigint();
      for (let repeat = 0; repeat < REPEATS; repeat++)
        for (const text of copies) if (verifier.verifyNow(text)?.ok !== true) throw new Error('refused');
      return microsecondsSince(begun) / (REPEATS * copies.length);
    };
  };
  const warm = await interleave(WARM_UPS, ROUNDS, {
    'JWT, Latchkey': now(ofSigned, jwts),
    'opaque token, Latchkey': now(ofOpaque, opaques),
    'API key, Latchkey': now(ofSigned, keys),
    'API key, better-auth in memory': async () => {
      const begun = process.hrtime.bigint();
      for (let repeat = 0; repeat < PEER_REPEATS; repeat++)
        for (const key of peer.keys) if (!(await peer.isValid(key))) throw new Error('refused');
      return microsecondsSince(begun) / (PEER_REPEATS * peer.keys.length);
    },
  });
  const callsWarm = calls.count - before;
  ofSigned.close();
  ofOpaque.close();

  const first = (api: typeof opaque, texts: readonly string[]) => async () => {
    const fresh = verifierOf(api);
    await fresh.ready();
    const begun = process.hrtime.bigint();
    for (const text of texts) await accepted(fresh, text);
    const took = microsecondsSince(begun) / texts.length;
    fresh.close();
    return took;
  };
  const some = (texts: readonly string[]) => texts.slice(0, 50);
  const cold = await interleave(2, IS_TRIAL ? 2 : 7, {
    'JWT, Latchkey': first(signed, some(jwts)),
    'opaque token, Latchkey (one introspection)': first(opaque, some(opaques)),
    'API key, Latchkey (one introspection)': first(signed, some(keys)),
  });
  return {
    warm: medians(warm),
    cold: medians(cold),
    callsWarm,
    memory: await memoryOfVerifier(),
    cached: CACHED,
    revoked: REVOKED,
  };
}

async function accepted(verifier: Verifier, text: string): Promise<void> {
  const result = await verifier.verify(text);
  if (!result.ok) throw new Error(`refused: ${result.error}`);
}

const microsecondsSince = (begun: bigint): number => Number(process.hrtime.bigint() - begun) / 1000;
const medians = (results: Readonly<Record<string, readonly number[]>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(results).map(([name, values]) => [name, median(values)]));

/** A process of its own, which fills a verifier and says what it holds. */
async function memoryOfVerifier(): Promise<Readonly<Record<string, number>>> {
  const file = new URL('./verifier-memory.ts', import.meta.url).pathname;
  const child = await start(file, [String(CACHED), String(REVOKED)], {
    NODE_OPTIONS: '--conditions=@latchkey/source --expose-gc',
  });
  await child.stop();
  return child.told as Readonly<Record<string, number>>;
}

/** better-auth with its API keys, everything in memory, without its own rate limit: a check reads and writes its rows. */
async function betterAuthKeys(count: number) {
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1:1',
    secret: 'a secret of the benchmark and nothing else',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }),
    emailAndPassword: { enabled: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    plugins: [apiKey({ rateLimit: { enabled: false } })],
  });
  const email = 'person@bench.example';
  const { user } = await auth.api.signUpEmail({
    body: { email, password: 'a passphrase of the bench', name: 'person' },
  });
  const keys: string[] = [];
  while (keys.length < count)
    keys.push((await auth.api.createApiKey({ body: { userId: user.id, name: 'bench' } })).key);
  return { keys, isValid: async (key: string) => (await auth.api.verifyApiKey({ body: { key } })).valid };
}
