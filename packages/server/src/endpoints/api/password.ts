import type { MailLanguage } from '@latchkey/domain/accounts/notice';
import { decideChangePassword, loadSetPassword } from '@latchkey/domain/accounts/set-password';
import { isLocked, secondsToWait } from '@latchkey/domain/accounts/throttle';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';
import { z } from 'zod';
import { empty } from '../../http/headers.ts';
import { mailLanguageOf } from '../../http/page.ts';
import { hashNewPassword } from '../../prove/new-password.ts';
import { type ProvedOwner, proveOwner } from '../../prove/owner.ts';
import { provePassword } from '../../prove/password.ts';
import type { Answer, Endpoint, Refusal, Server } from '../../server.ts';
import { PASSWORD, readFields } from './fields.ts';

const CHANGE = z.object({ current_password: PASSWORD, new_password: PASSWORD });

/** Changes one's own password. The other sessions end. @spec SP 800-63B-4 §3.1.1; ASVS 6.2.3 (PWD-15) */
export const password: Endpoint = {
  method: 'POST',
  path: '/api/password',
  summary: 'Changes the password of the account that is signed in; its other sessions end.',
  credentials: ['access_token_issuer', 'refresh_cookie'],
  wording: 'bearer',
  cors: 'first_party',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const asked = await readFields(call, password.bodyMax, CHANGE);
    if (!asked.ok) return asked;
    const { current_password: current, new_password: next } = asked.value;
    const language = mailLanguageOf(call.request, server);
    const changed = await changePassword(owner.value, { current, next, language }, server);
    return changed.ok ? ok(empty()) : changed;
  },
};

/** The same identifiers that an attacker would try stand in no password. */
async function newPasswordHash(text: string, accountId: AccountId, server: Server): Promise<Result<string, Refusal>> {
  const identifiers = await server.store.read.identifiers(accountId);
  return hashNewPassword(text, { accountId, identifiers: identifiers.map(({ display }) => display) }, server);
}

/** Changes that one account may try: each costs two hashes, whatever becomes of it. */
const TRIED = { burst: 20, perMinute: 6 } as const;

/** Guesses of somebody who is signed in that wait for no stranger's; then they count as any other. */
const OWN = { burst: 10, perMinute: 0.1 } as const;

/**
 * Changes a person's password, if they know the one before. A wrong one counts as a wrong guess does.
 *
 * @returns `rate_limited`, and what `newPasswordHash` and `decideChangePassword` refuse
 */
export async function changePassword(
  owner: Pick<ProvedOwner, 'accountId' | 'sessionId' | 'commit'>,
  { current, next, language }: { readonly current: string; readonly next: string; readonly language: MailLanguage },
  server: Server,
): Promise<Result<undefined, Refusal>> {
  const { accountId, sessionId } = owner;
  const tries = await server.ephemeral.take(`password:${accountId}`, TRIED);
  if (tries > 0)
    return fail({
      error: 'rate_limited',
      headers: { 'retry-after': String(tries) },
      about: { account: accountId },
    });
  const phc = await newPasswordHash(next, accountId, server);
  if (!phc.ok) return phc;
  const about = { account: accountId };
  const { read } = server.store;
  const credential = await read.password(accountId);
  const { now } = await read.moment();
  const isFromKnownDevice = (await server.ephemeral.take(`own-password:${accountId}`, OWN)) === 0;
  const wait = credential === undefined || isLocked(credential) ? 0 : secondsToWait(credential, now);
  if (wait > 0 && !isFromKnownDevice)
    return fail({ error: 'account_throttled', headers: { 'retry-after': String(wait) }, about });
  const proof = await provePassword(accountId, credential, current, server);
  if (!proof.ok) return proof;
  const known = proof.value.result === 'no_credential' ? proof.value : { ...proof.value, isFromKnownDevice };
  const command = { id: accountId, proof: known, phc: phc.value, sessionId, language };
  const { outcome } = await owner.commit(
    (tx, moment) => loadSetPassword(tx, accountId, moment),
    (facts, moment) => decideChangePassword(facts, command, moment),
  );
  return outcome.ok ? outcome : fail({ error: outcome.error, about });
}
