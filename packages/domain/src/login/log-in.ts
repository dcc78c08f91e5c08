import type { ErrorId } from '@latchkey/protocol/errors';
import type { AccountId, ClientId } from '@latchkey/protocol/types';
import type { Account } from '../accounts/account.ts';
import type { PasswordCredential, PasswordProof } from '../accounts/password-credential.ts';
import { isLocked, secondsToWait } from '../accounts/throttle.ts';
import { type Client, isPublic } from '../clients/client.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { RowVersion } from '../row-version.ts';
import type { TokenGrant } from '../tokens/access-grant.ts';
import type { Write } from '../write.ts';
import { loadStartSession, type StartSessionCommand, type StartSessionFacts, startSession } from './start-session.ts';

/** A login with a password that was looked at beforehand. */
export interface LogInCommand extends StartSessionCommand {
  readonly clientId: ClientId;
  readonly proof: PasswordProof;
}

export interface LogInFacts {
  readonly account: Account | undefined;
  readonly credential: PasswordCredential | undefined;
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
 *   `password_locked`, `credentials_invalid`, `account_disabled`, and what `startSession` refuses
 * @spec SP 800-63B-4 §3.2.2 (limits of guessing)
 */
export function decideLogIn(facts: LogInFacts, command: LogInCommand, moment: Moment): Decision<TokenGrant> {
  const { account, credential, client, start } = facts;
  const { proof } = command;
  if (client === undefined) return refuse('client_unknown');
  const clientError = clientRefusal(client);
  if (clientError !== undefined) return refuse(clientError);
  if (account === undefined || start === undefined) return refuse('account_unknown');
  if (credential === undefined || proof.result === 'no_credential') return refuse('account_without_password');
  if (credential.version !== proof.version) return refuse('password_changed_meanwhile');
  if (isLocked(credential)) return refuse('password_locked');
  if (secondsToWait(credential, moment.now) > 0) return refuse('account_throttled');
  if (proof.result === 'mismatch') return refuse('credentials_invalid', failed(account.id, client.id, moment));
  if (account.disabledAt !== undefined) return refuse('account_disabled', failed(account.id, client.id, moment));

  const started = startSession(start, account.id, client, command, moment);
  if (!started.ok) return refuse(started.error);
  const expects: readonly RowVersion[] = [
    { table: 'account', id: account.id, version: account.version },
    { table: 'password', id: account.id, version: credential.version },
    { table: 'client', id: client.id, version: client.version },
  ];
  const rehash: readonly Write[] =
    proof.rehashed === undefined
      ? []
      : [{ kind: 'password.rehash', id: account.id, version: credential.version, phc: proof.rehashed }];
  const reset: readonly Write[] = credential.failures > 0 ? [{ kind: 'password.succeed', id: account.id }] : [];
  const { grant, writes } = started.value;
  return allow(grant, [...reset, ...rehash, ...writes, succeeded(command, account.id, client.id, moment)], expects);
}

/** Only the deployment's own clients ask for a password, and only those that need no secret of their own here. */
function clientRefusal(client: Client): ErrorId | undefined {
  if (client.deletedAt !== undefined) return 'client_deleted';
  if (!client.firstParty) return 'client_not_first_party';
  return isPublic(client) ? undefined : 'client_authentication_missing';
}

const failed = (account: AccountId, client: ClientId, { now }: Moment): readonly Write[] => [
  { kind: 'password.fail', id: account, at: now },
  {
    kind: 'audit.append',
    entry: { at: now, event: 'login.failed', actor: client, subject: { account, client }, detail: {} },
  },
];

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
