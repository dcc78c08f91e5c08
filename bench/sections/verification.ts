// (a) What one verification costs, cold and warm, beside the peers and the bare call.
import { verify as bareVerify, createPublicKey } from 'node:crypto';
import { createVerifier } from '@latchkey/verifier';
import { createVerifier as createFastVerifier } from 'fast-jwt';
import { jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { interleave, median } from '../statistics.ts';
import { type Latchkey, mintTokens } from '../subjects/latchkey.ts';

const TOKENS = 1_500;
const ROUNDS = 15;
/** Rounds before those that count: the compiler of the engine has to see each candidate for a while. */
const WARM_UPS = 10;

/** Microseconds of one verification, each a median of interleaved rounds. */
export interface VerificationFigures {
  readonly cold: Readonly<Record<string, number>>;
  readonly warm: Readonly<Record<string, number>>;
}

export async function measureVerification(latchkey: Latchkey): Promise<VerificationFigures> {
  const { issuer, audience } = latchkey;
  const tokens = await mintTokens(issuer, await latchkey.machine(), TOKENS);
  const jwks = (await (await fetch(`${issuer}/.well-known/jwks.json`)).json()) as { keys: Record<string, string>[] };
  const kid = JSON.parse(Buffer.from(tokens[0]?.split('.')[0] ?? '', 'base64url').toString()).kid;
  const jwk = jwks.keys.find((key) => key.kid === kid);
  if (jwk === undefined) throw new Error('the signing key is not published');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();

  const verifier = createVerifier({ issuer, audience, credentials: latchkey.resource });
  await verifier.ready();
  const uncached = createFastVerifier({
    key: pem,
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: audience,
    cache: false,
  });
  const cached = createFastVerifier({
    key: pem,
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: audience,
    cache: TOKENS * 2,
  });
  const joseOptions = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'] };
  const jsonwebtokenOptions = { issuer, audience, algorithms: ['ES256' as const] };
  const parts = tokens.map((token) => {
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    return { input: Buffer.from(token.slice(0, end)), der: derOf(signature) };
  });

  /** A verifier of its own for each round: every token is seen for the first time. */
  const coldRound = async (): Promise<number> => {
    const fresh = createVerifier({ issuer, audience, credentials: latchkey.resource });
    await fresh.ready();
    const microseconds = timed(() => {
      for (const token of tokens) if (fresh.verifyNow(token)?.ok !== true) throw new Error('refused');
    });
    fresh.close();
    return microseconds / TOKENS;
  };
  const cold = await interleave(WARM_UPS, ROUNDS, {
    'bare call': () =>
      timed(() => {
        for (const { input, der } of parts) if (!bareVerify('sha256', input, key, der)) throw new Error('refused');
      }) / TOKENS,
    Latchkey: coldRound,
    'fast-jwt': () => timed(() => tokens.forEach((token) => void uncached(token))) / TOKENS,
    jose: () =>
      timedAsync(async () => {
        for (const token of tokens) await jwtVerify(token, key, joseOptions);
      }).then((all) => all / TOKENS),
    jsonwebtoken: () =>
      timed(() => tokens.forEach((token) => void jsonwebtoken.verify(token, pem, jsonwebtokenOptions))) / TOKENS,
  });

  const REPEATS = 40;
  // each request brings its own string, as it does from a socket: equal, never the same object
  const copies = tokens.map((token) => Buffer.from(token).toString());
  const repeat = (verify: (token: string) => void) => () =>
    timed(() => {
      for (let index = 0; index < REPEATS; index++) for (const token of copies) verify(token);
    }) /
    (TOKENS * REPEATS);
  const ours = (token: string) => {
    if (verifier.verifyNow(token)?.ok !== true) throw new Error('refused');
  };
  tokens.forEach(ours);
  tokens.forEach((token) => void cached(token));
  const warm = await interleave(WARM_UPS, ROUNDS, {
    Latchkey: repeat(ours),
    'fast-jwt with cache': repeat((token) => void cached(token)),
  });
  verifier.close();
  return { cold: medians(cold), warm: medians(warm) };
}

const medians = (results: Readonly<Record<string, readonly number[]>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(results).map(([name, values]) => [name, median(values)]));

/** Microseconds of CPU-bound work in this process, by the wall: nothing else runs in it. */
function timed(work: () => void): number {
  const begun = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - begun) / 1000;
}

async function timedAsync(work: () => Promise<void>): Promise<number> {
  const begun = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - begun) / 1000;
}

/** The signature in the form that `node:crypto` takes without a wrapper, made beforehand: the limit pays for nothing. */
function derOf(signature: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
    const body = bytes.subarray(start);
    const padded = (body[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), body]) : body;
    return Buffer.concat([Buffer.of(0x02, padded.length), padded]);
  };
  const body = Buffer.concat([integer(signature.subarray(0, 32)), integer(signature.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}
