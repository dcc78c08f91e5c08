import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { AccountReader, Moment } from '../ports/reader.ts';
import type { Account, Identifier } from './account.ts';
import { identifierOf, type ParsedIdentifier } from './identifier.ts';

/** A new account. Its password was checked and hashed beforehand. */
export interface CreateAccountCommand {
  readonly administrator: Administrator;
  readonly id: AccountId;
  readonly identifiers: readonly ParsedIdentifier[];
  /** The hash as a PHC string; undefined for an account without a password. */
  readonly phc: string | undefined;
}

/** Those of the identifiers that are taken. */
export type CreateAccountFacts = readonly Identifier[];

export async function loadCreateAccount(
  read: Pick<AccountReader, 'identifier'>,
  { identifiers }: CreateAccountCommand,
): Promise<CreateAccountFacts> {
  const taken: Identifier[] = [];
  for (const { normalised } of identifiers) {
    const found = await read.identifier(normalised);
    if (found !== undefined) taken.push(found);
  }
  return taken;
}

export interface CreatedAccount {
  readonly account: Account;
  readonly identifiers: readonly Identifier[];
}

/**
 * Decides a new account with one to n identifiers, each of which is nobody else's.
 *
 * @returns `identifier_invalid`, `limit_reached`, `identifier_taken`
 */
export function decideCreateAccount(
  taken: CreateAccountFacts,
  command: CreateAccountCommand,
  { now }: Moment,
): Decision<CreatedAccount> {
  const names = new Set(command.identifiers.map(({ normalised }) => normalised));
  if (names.size === 0 || names.size !== command.identifiers.length) return refuse('identifier_invalid');
  if (names.size > LIMITS.identifiersPerAccountMax) return refuse('limit_reached');
  if (taken.length > 0) return refuse('identifier_taken');
  const account: Account = { id: command.id, version: 1, createdAt: now, disabledAt: undefined, cutOff: undefined };
  const identifiers = command.identifiers.map((parsed) => identifierOf(parsed, account.id));
  return allow({ account, identifiers }, [
    { kind: 'account.create', account, identifiers },
    ...(command.phc === undefined
      ? []
      : [{ kind: 'password.set', id: account.id, phc: command.phc, at: now } as const]),
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'account.created',
        actor: command.administrator.id,
        subject: { account: account.id },
        detail: { identifiers: identifiers.length, password: command.phc !== undefined },
      },
    },
  ]);
}
