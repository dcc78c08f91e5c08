import { parseIdentifier } from '@latchkey/domain/accounts/identifier';
import type { PasswordCredential, PasswordProof } from '@latchkey/domain/accounts/password-credential';
import { isLocked, secondsToWait } from '@latchkey/domain/accounts/throttle';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Call, Refusal, Server } from '../server.ts';
import { noteWrongGuess, waitAfterGuesses } from '../throttle/sprayed-guesses.ts';
import { isKnownDevice } from './known-device.ts';
import { provePassword } from './password.ts';

/** A name and a password, as somebody typed them. */
export interface Guess {
  readonly username: string;
  readonly password: string;
  /** The client for which somebody signs in. */
  readonly client: string;
  /** The request that brought it: from where, and from a browser that may be known. */
  readonly call: Call;
}

/**
 * Looks at name and password. Whatever is wrong with either, as much time goes by: the hash is computed in every case,
 * and guesses at a name that nobody has wait like those at one that somebody has.
 *
 * @returns `account_throttled`, `rate_limited`, `overloaded`
 * @spec SP 800-63B-4 §3.2.2; ASVS 6.3.8 (PWD-11)
 */
export async function proveGuess(
  { username, password, client, call }: Guess,
  server: Server,
): Promise<Result<PasswordProof, Refusal>> {
  const parsed = parseIdentifier(username);
  const found = parsed === undefined ? undefined : await server.store.read.identifier(parsed.normalised);
  const credential = found === undefined ? undefined : await server.store.read.password(found.accountId);
  const about = { client, ...(found === undefined ? {} : { account: found.accountId }) };
  const { now } = await server.store.read.moment();
  const guessed = parsed?.normalised ?? username;
  const isFromKnownDevice = credential !== undefined && (await isKnownDevice(call, credential, server));
  const sprayed = await waitAfterGuesses(call.address, server);
  if (sprayed > 0 && !isFromKnownDevice)
    return fail({ error: 'rate_limited', headers: { 'retry-after': String(sprayed) }, about });
  const wait = credential === undefined ? server.unknownGuesses.secondsToWait(guessed, now) : waitOf(credential, now);
  if (wait > 0 && !isFromKnownDevice) return throttled(wait, about);
  const proof = await provePassword(found?.accountId, credential, password, server);
  if (!proof.ok) return proof;
  if (proof.value.result !== 'match') await noteWrongGuess(call.address, server);
  if (credential !== undefined)
    return proof.value.result === 'no_credential' ? proof : ok({ ...proof.value, isFromKnownDevice });
  // others may have guessed in the meantime: a decision on an account sees their count, so it counts here too
  const after = server.unknownGuesses.secondsToWait(guessed, now);
  if (after > 0) return throttled(after, about);
  server.unknownGuesses.fail(guessed, now);
  return proof;
}

const throttled = (wait: number, about: Readonly<Record<string, string>>): Result<never, Refusal> =>
  fail({ error: 'account_throttled', headers: { 'retry-after': String(wait) }, about });

/** A locked password is not told from a wrong one, so it does not wait. */
const waitOf = (credential: PasswordCredential, now: EpochMilliseconds): number =>
  isLocked(credential) ? 0 : secondsToWait(credential, now);

/** Guesses that were made at the same time wait as long as those that come after them. */
export async function withWait(refusal: Refusal, { accountId }: PasswordProof, server: Server): Promise<Refusal> {
  if (refusal.error !== 'account_throttled' || accountId === undefined) return refusal;
  const { read } = server.store;
  const credential = await read.password(accountId);
  const wait = credential === undefined ? 0 : waitOf(credential, (await read.moment()).now);
  return { ...refusal, headers: { 'retry-after': String(Math.max(1, wait)) } };
}
