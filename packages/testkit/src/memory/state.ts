import type { Account, Identifier, Role } from '@latchkey/domain/accounts/account';
import type { AccountMetadata } from '@latchkey/domain/accounts/metadata';
import type { PasswordCredential } from '@latchkey/domain/accounts/password-credential';
import type { Profile } from '@latchkey/domain/accounts/profile';
import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { StoredLease } from '@latchkey/domain/api-keys/stored-lease';
import type { KeyUsage } from '@latchkey/domain/api-keys/usage';
import type { VerifierInstance } from '@latchkey/domain/api-keys/verifier-instance';
import type { AuditRow } from '@latchkey/domain/audit';
import type { AuthorizationCode } from '@latchkey/domain/authorization/code';
import type { Consent } from '@latchkey/domain/authorization/consent';
import type { Client, OwnerSecret } from '@latchkey/domain/clients/client';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { SharedSecret } from '@latchkey/domain/keys/shared-secret';
import type { MacKey, SigningKey } from '@latchkey/domain/keys/signing-key';
import type { LoginAttempt } from '@latchkey/domain/login/attempt';
import type { OneTimeLink } from '@latchkey/domain/login/one-time-link';
import type { Session } from '@latchkey/domain/login/session';
import type { TokenFamily } from '@latchkey/domain/tokens/family';
import type { StatusListRow } from '@latchkey/domain/tokens/status-list-row';
import type { StatusPlace, TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { UsedToken } from '@latchkey/domain/tokens/used-token';
import type { OutboxRow } from '@latchkey/domain/write';
import type { RevocationEvent } from '@latchkey/protocol/claims';
import type { Position } from '@latchkey/protocol/position';
import type { AccountId, ClientId, EpochMilliseconds, ResourceId, Sha256 } from '@latchkey/protocol/types';

type Rows<T> = ReadonlyMap<string, T>;

/** A message, and when it is tried next. */
interface DueRow extends OutboxRow {
  readonly dueAt: EpochMilliseconds;
}

/** By what an account is known in a sector. */
interface AssignedSubject {
  readonly sector: string;
  readonly accountId: AccountId;
  readonly subject: string;
}

/** What a key has spent of its quota in a period. */
interface SpentQuota {
  readonly endsAt: number;
  readonly spent: number;
}

/** Everything that a database holds, as one value that never changes: a commit puts another in its place. */
export interface MemoryState {
  readonly position: Position;
  readonly catalogue: number;
  readonly accounts: Rows<Account>;
  readonly identifiers: Rows<Identifier>;
  readonly passwords: Rows<PasswordCredential>;
  readonly profiles: Rows<Profile>;
  readonly metadata: Rows<AccountMetadata>;
  readonly attempts: Rows<LoginAttempt>;
  readonly links: Rows<OneTimeLink>;
  readonly sessions: Rows<Session>;
  readonly codes: Rows<AuthorizationCode>;
  readonly consents: Rows<Consent>;
  /** By sector and account. */
  readonly subjects: Rows<AssignedSubject>;
  readonly families: Rows<TokenFamily>;
  readonly tokenRecords: Rows<TokenRecord>;
  /** By number. */
  readonly statusLists: Rows<StatusListRow>;
  /** By list and index. */
  readonly statusIndexes: Rows<StatusPlace>;
  /** By resource and hash. */
  readonly replays: Rows<UsedToken>;
  readonly clients: Rows<Client>;
  readonly secrets: Rows<OwnerSecret>;
  readonly resources: Rows<Resource>;
  readonly apiKeys: Rows<ApiKey>;
  readonly roles: Rows<Role>;
  readonly signingKeys: Rows<SigningKey>;
  readonly macKeys: Rows<MacKey>;
  readonly sharedSecrets: Rows<SharedSecret>;
  /** By key and beginning of the period. */
  readonly quotas: Rows<SpentQuota>;
  readonly leases: Rows<StoredLease>;
  readonly verifiers: Rows<VerifierInstance>;
  /** By key, beginning and span. */
  readonly usage: Rows<KeyUsage>;
  readonly events: readonly RevocationEvent[];
  readonly audit: readonly AuditRow[];
  readonly outbox: readonly DueRow[];
}

export const emptyState = (epoch: number): MemoryState => ({
  position: { epoch, seq: 0 },
  catalogue: 0,
  accounts: new Map(),
  identifiers: new Map(),
  passwords: new Map(),
  profiles: new Map(),
  metadata: new Map(),
  attempts: new Map(),
  links: new Map(),
  sessions: new Map(),
  codes: new Map(),
  consents: new Map(),
  subjects: new Map(),
  families: new Map(),
  tokenRecords: new Map(),
  statusLists: new Map(),
  statusIndexes: new Map(),
  replays: new Map(),
  clients: new Map(),
  secrets: new Map(),
  resources: new Map(),
  apiKeys: new Map(),
  roles: new Map(),
  signingKeys: new Map(),
  macKeys: new Map(),
  sharedSecrets: new Map(),
  quotas: new Map(),
  leases: new Map(),
  verifiers: new Map(),
  usage: new Map(),
  events: [],
  audit: [],
  outbox: [],
});

/** The key of a subject. */
export const subjectKey = (sector: string, account: AccountId): string => `${sector} ${account}`;

/** The key of an index of a status list. */
export const placeKey = ({ list, index }: StatusPlace): string => `${list} ${index}`;

/** The key of a token that was used. */
export const replayKey = (resource: ResourceId, hash: Sha256): string => `${resource} ${hash}`;

/** The key of a consent. */
export const consentKey = (account: AccountId, client: ClientId): string => `${account} ${client}`;

/** The key of what was spent in a period. */
export const quotaKey = (key: string, startsAt: number): string => `${key} ${startsAt}`;

/** The key of the uses of an API key in an hour or a day. */
export const usageKey = ({ apiKey, startsAt, span }: Pick<KeyUsage, 'apiKey' | 'startsAt' | 'span'>): string =>
  `${apiKey} ${startsAt} ${span}`;

/** The rows with these uses added to those of the same key, time and span. */
export function withUsage(rows: Rows<KeyUsage>, added: KeyUsage): Rows<KeyUsage> {
  const before = rows.get(usageKey(added));
  if (before === undefined) return withRow(rows, usageKey(added), added);
  const times = [before.usedAt, added.usedAt].filter((at) => at !== undefined);
  return withRow(rows, usageKey(added), {
    ...before,
    allowed: before.allowed + added.allowed,
    refused: before.refused + added.refused,
    usedAt: times.length === 0 ? undefined : (Math.max(...times) as EpochMilliseconds),
  });
}

/** The same rows with one of them put in. */
export const withRow = <T>(rows: Rows<T>, key: string, row: T): Rows<T> => new Map(rows).set(key, row);

export function withoutRow<T>(rows: Rows<T>, key: string): Rows<T> {
  const left = new Map(rows);
  left.delete(key);
  return left;
}

/** The order in which the rows of tokens go. */
export const firstToExpire = (a: TokenRecord, b: TokenRecord): number =>
  a.expiresAt - b.expiresAt || (a.jti < b.jti ? -1 : 1);
