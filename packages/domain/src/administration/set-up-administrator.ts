import { DURATIONS } from '@latchkey/protocol/limits';
import { type AccountId, type EpochMilliseconds, later, type SessionId, type Sha256 } from '@latchkey/protocol/types';
import type { Account, Role } from '../accounts/account.ts';
import { type CreateAccountFacts, decideCreateAccount, loadCreateAccount } from '../accounts/create-account.ts';
import type { ParsedIdentifier } from '../accounts/identifier.ts';
import { isSignedIn } from '../authorization/advance.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import { isGoodFor, type OneTimeLink } from '../login/one-time-link.ts';
import type { Session } from '../login/session.ts';
import type { AccountReader, Moment, Reader, SessionReader } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import { decideGrantRole, loadRole, type RoleCommand } from './roles.ts';
import { FULL_ADMIN } from './roles-of-admin-api.ts';
import { ADMIN_SCOPES, type Administrator } from './scopes.ts';

/**
 * For whom a link is. That of the first administrator is good only while nobody is one, whenever it was made: a way in
 * that is left open closes by itself.
 */
const [FIRST, ANOTHER] = ['first administrator', 'another administrator'] as const;

/** Whoever holds the data folder holds the server: it acts in their place. */
const SERVER: Administrator = { id: 'server', scope: ADMIN_SCOPES };

export interface IssueSetUpLinkCommand {
  readonly hash: Sha256;
  readonly adminApi: string;
  /** Whether a link is wanted though somebody is an administrator already. */
  readonly isAnother: boolean;
}

/** Anybody who is an administrator; one is enough to know. */
export type IssueSetUpLinkFacts = readonly Role[];

const loadHolders = (read: Pick<AccountReader, 'holders'>, adminApi: string): Promise<readonly Role[]> =>
  read.holders(adminApi, FULL_ADMIN, 1);

export const loadIssueSetUpLink = (
  read: Pick<AccountReader, 'holders'>,
  { adminApi }: IssueSetUpLinkCommand,
): Promise<IssueSetUpLinkFacts> => loadHolders(read, adminApi);

/** Decides a link for the first administrator, or for another one where that is asked for: until when it is good. */
export function decideIssueSetUpLink(
  holders: IssueSetUpLinkFacts,
  { hash, isAnother }: IssueSetUpLinkCommand,
  { now }: Moment,
): Decision<EpochMilliseconds | undefined> {
  const isFirst = holders.length === 0;
  if (!isFirst && !isAnother) return allow(undefined);
  const expiresAt = later(now, DURATIONS.setUpLink * 1000);
  const link: OneTimeLink = {
    hash,
    purpose: 'set_up_administrator',
    subject: isFirst ? FIRST : ANOTHER,
    accountId: undefined,
    address: undefined,
    attemptId: undefined,
    createdAt: now,
    expiresAt,
  };
  const entry = {
    at: now,
    event: 'administrator.link_issued',
    actor: SERVER.id,
    subject: {},
    detail: { for: link.subject },
  } as const;
  return allow(expiresAt, [
    { kind: 'link.issue', link },
    { kind: 'audit.append', entry },
  ]);
}

/** The link that somebody opened, and whether anybody is an administrator. */
export interface SetUpFacts {
  readonly link: OneTimeLink | undefined;
  readonly holders: readonly Role[];
}

export interface SetUpCommand {
  readonly hash: Sha256;
  readonly adminApi: string;
}

export const loadSetUp = async (
  read: Pick<AccountReader, 'holders'> & Pick<SessionReader, 'link'>,
  { hash, adminApi }: SetUpCommand,
): Promise<SetUpFacts> => ({ link: await read.link(hash), holders: await loadHolders(read, adminApi) });

/** Whether a link makes an administrator now. */
export const isSetUpOpen = ({ link, holders }: SetUpFacts, now: EpochMilliseconds): boolean =>
  isGoodFor(link, 'set_up_administrator', now) && (link.subject === ANOTHER || holders.length === 0);

/** A new account for whoever opened the link. Its password was checked and hashed beforehand. */
export interface CreateAdministratorCommand extends SetUpCommand {
  readonly id: AccountId;
  readonly identifier: ParsedIdentifier;
  readonly phc: string;
}

export interface CreateAdministratorFacts extends SetUpFacts {
  readonly taken: CreateAccountFacts;
}

const accountCommand = ({ id, identifier, phc }: CreateAdministratorCommand) => ({
  administrator: SERVER,
  id,
  identifiers: [identifier],
  phc,
});

export const loadCreateAdministrator = async (
  read: Reader,
  command: CreateAdministratorCommand,
): Promise<CreateAdministratorFacts> => ({
  ...(await loadSetUp(read, command)),
  taken: await loadCreateAccount(read, accountCommand(command)),
});

/**
 * Decides that whoever opened the link gets an account, and is an administrator by it. The link is used up in the same
 * transaction: of two who send it, one is too late.
 *
 * @returns `link_invalid`, and what `decideCreateAccount` refuses
 * @spec ASVS 6.4.1 (PWD-13: good once)
 */
export function decideCreateAdministrator(
  facts: CreateAdministratorFacts,
  command: CreateAdministratorCommand,
  moment: Moment,
): Decision<Account> {
  if (!isSetUpOpen(facts, moment.now)) return refuse('link_invalid');
  const created = decideCreateAccount(facts.taken, accountCommand(command), moment);
  if (!created.outcome.ok) return refuse(created.outcome.error);
  const { account } = created.outcome.value;
  return allow(account, [used(command), ...created.writes, ...granted(account.id, command, moment)]);
}

/** The account that is signed in in the browser of whoever opened the link. */
export interface PromoteCommand extends SetUpCommand {
  /** Hash of the browser's session cookie, if it has one. */
  readonly cookie: Sha256 | undefined;
  /** The session that the page showed. */
  readonly sessionId: SessionId | undefined;
}

export interface PromoteFacts extends SetUpFacts {
  readonly session: Session | undefined;
  readonly account: Account | undefined;
  readonly resource: Resource | undefined;
  readonly roles: readonly Role[];
}

export async function loadPromote(read: Reader, command: PromoteCommand): Promise<PromoteFacts> {
  const session = command.cookie === undefined ? undefined : await read.sessionByCookie(command.cookie);
  const found =
    session === undefined
      ? { account: undefined, resource: undefined, roles: [] }
      : await loadRole(read, roleCommand(session.accountId, command));
  return { ...(await loadSetUp(read, command)), ...found, session };
}

const roleCommand = (accountId: AccountId, { adminApi }: SetUpCommand): RoleCommand => ({
  administrator: SERVER,
  accountId,
  resource: adminApi,
  role: FULL_ADMIN,
  adminApi,
});

/**
 * Decides that the account that is signed in is an administrator from now on.
 *
 * @returns `link_invalid`, `form_refused` when it is another session than the page showed, and what `decideGrantRole`
 *   refuses
 */
export function decidePromote(facts: PromoteFacts, command: PromoteCommand, moment: Moment): Decision<AccountId> {
  if (!isSetUpOpen(facts, moment.now)) return refuse('link_invalid');
  const { session } = facts;
  if (session === undefined || session.id !== command.sessionId || !isSignedIn(facts, moment))
    return refuse('form_refused');
  const { accountId } = session;
  const decided = decideGrantRole(facts, roleCommand(accountId, command), moment);
  return decided.outcome.ok ? allow(accountId, [used(command), ...decided.writes]) : refuse(decided.outcome.error);
}

const used = ({ hash }: SetUpCommand): Write => ({ kind: 'link.use', hash });

const granted = (accountId: AccountId, { adminApi }: SetUpCommand, { now }: Moment): readonly Write[] => [
  { kind: 'role.grant', role: { accountId, resource: adminApi, role: FULL_ADMIN } },
  {
    kind: 'audit.append',
    entry: {
      at: now,
      event: 'role.granted',
      actor: SERVER.id,
      subject: { account: accountId },
      detail: { resource: adminApi, role: FULL_ADMIN },
    },
  },
];
