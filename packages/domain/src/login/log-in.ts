import type { ErrorId } from '@latchkey/protocol/errors';
import type { AccountId, ClientId } from '@latchkey/protocol/types';
import type { PasswordProof } from '../accounts/password-credential.ts';
import { type Client, isPublic } from '../clients/client.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { TokenGrant } from '../tokens/access-grant.ts';
import { excessOf } from '../tokens/token-size.ts';
import type { Write } from '../write.ts';
import { checkPassword, type PasswordFacts } from './password-check.ts';
import { loadStartSession, type StartSessionCommand, type StartSessionFacts, startSession } from './start-session.ts';

/** A login with a password that was looked at beforehand. */
export interface LogInCommand extends StartSessionCommand {
  readonly clientId: ClientId;
  readonly proof: PasswordProof;
}

export interface LogInFacts extends PasswordFacts {
  readonly client: Client | undefined;
  readonly start: StartSessionFacts | undefined;
}

export async function loadLogIn(read: Reader, command: LogInCommand, moment: Moment): Promise<LogInFacts> {
  const client = await read.client(command.clientId);
  const { accountId } = command.proof;
  if (accountId === undefined) return { account: undefined, credential: undefined, client, start: undefined };
  return {
    account: await read.account(accountId),
    credential: await read.password(accountId),
    client,
    start: await loadStartSession(read, accountId, client, command, moment),
  };
}

/**
 * Decides a login. What it proved is compared with the row as it is now; a wrong guess is counted there, where it
 * survives a restart. That an account is unknown, disabled or locked is told to the log, and to nobody else.
 *
 * A login that needs nothing but the password goes from begun to complete in this one decision; `login/attempt.ts`
 * holds one that waits for a further factor.
 *
 * @returns `client_unknown`, `client_deleted`, `client_not_first_party`, `client_authentication_missing`,
 *   `account_unknown`, `account_without_password`, `password_changed_meanwhile`, `account_throttled`,
 *   `password_locked`, `credentials_invalid`, `account_disabled`, `access_token_too_large`, and what `startSession`
 *   refuses
 * @spec SP 800-63B-4 §3.2.2 (limits of guessing)
 */
export function decideLogIn(facts: LogInFacts, command: LogInCommand, moment: Moment): Decision<TokenGrant> {
  const { client, start } = facts;
  const { proof } = command;
  if (client === undefined) return refuse('client_unknown');
  const clientError = clientRefusal(client);
  if (clientError !== undefined) return refuse(clientError);
  if (start === undefined) return refuse('account_unknown');
  const checked = checkPassword(facts, proof, client.id, moment);
  if (!checked.ok) return refuse(checked.error.error, checked.error.writes);
  const { account, expects } = checked.value;

  const started = startSession(start, account.id, client, command, moment);
  if (!started.ok) return refuse(started.error);
  const { grant, writes } = started.value;
  const excess = excessOf(grant.access, command.issuer);
  if (excess !== undefined) return refuseWith({ error: 'access_token_too_large', detail: excess });
  return allow(
    grant,
    [...checked.value.writes, ...writes, succeeded(command, account.id, client.id, moment)],
    [...expects, { table: 'client', id: client.id, version: client.version }],
  );
}

/** Only the deployment's own clients ask for a password, and only those that need no secret of their own here. */
function clientRefusal(client: Client): ErrorId | undefined {
  if (client.deletedAt !== undefined) return 'client_deleted';
  if (!client.firstParty) return 'client_not_first_party';
  return isPublic(client) ? undefined : 'client_authentication_missing';
}

const succeeded = (command: LogInCommand, account: AccountId, client: ClientId, { now }: Moment): Write => ({
  kind: 'audit.append',
  entry: {
    at: now,
    event: 'login.succeeded',
    actor: account,
    subject: { account, client, session: command.sessionId, family: command.familyId },
    detail: { delivery: command.delivery, ...(command.address === undefined ? {} : { address: command.address }) },
  },
});
