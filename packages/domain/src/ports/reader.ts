import type { RevocationEvent } from '@latchkey/protocol/claims';
import type { Position } from '@latchkey/protocol/position';
import type {
  AccountId,
  ApiKeyId,
  AttemptId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  NormalisedIdentifier,
  ResourceId,
  ResourceIdentifier,
  SessionId,
  Sha256,
  TokenId,
} from '@latchkey/protocol/types';
import type { Account, Identifier, Role } from '../accounts/account.ts';
import type { AccountMetadata } from '../accounts/metadata.ts';
import type { PasswordCredential } from '../accounts/password-credential.ts';
import type { Profile } from '../accounts/profile.ts';
import type { ApiKey } from '../api-keys/api-key.ts';
import type { StoredLease } from '../api-keys/stored-lease.ts';
import type { KeyUsage, UsageBin, UsageSpan } from '../api-keys/usage.ts';
import type { VerifierInstance } from '../api-keys/verifier-instance.ts';
import type { AuditRow } from '../audit.ts';
import type { AuthorizationCode } from '../authorization/code.ts';
import type { Consent } from '../authorization/consent.ts';
import type { Client, OwnerSecret } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import type { SharedSecret } from '../keys/shared-secret.ts';
import type { MacKey, SigningKey } from '../keys/signing-key.ts';
import type { LoginAttempt } from '../login/attempt.ts';
import type { OneTimeLink } from '../login/one-time-link.ts';
import type { Session, SessionSummary } from '../login/session.ts';
import type { TokenFamily } from '../tokens/family.ts';
import type { StatusListRow } from '../tokens/status-list-row.ts';
import type { StatusPlace, TokenRecord } from '../tokens/token-record.ts';
import type { OutboxRow } from '../write.ts';

/** One page of a list: rows after a key, in the order of that key. */
export interface Page<K> {
  readonly after: K | undefined;
  readonly limit: number;
}

export interface AccountReader {
  account(id: AccountId): Promise<Account | undefined>;
  identifier(normalised: NormalisedIdentifier): Promise<Identifier | undefined>;
  identifiers(account: AccountId): Promise<readonly Identifier[]>;
  /** By what an account is known in a sector. */
  subject(sector: string, account: AccountId): Promise<string | undefined>;
  /** Who is known by that in a sector. */
  accountOfSubject(sector: string, subject: string): Promise<AccountId | undefined>;
  password(account: AccountId): Promise<PasswordCredential | undefined>;
  profile(account: AccountId): Promise<Profile | undefined>;
  metadata(account: AccountId): Promise<AccountMetadata | undefined>;
  accounts(page: Page<AccountId>): Promise<readonly Account[]>;
  roles(account: AccountId, resource: string | undefined): Promise<readonly Role[]>;
  /** Some of those who have a role at a resource, oldest account first. */
  holders(resource: string, role: string, limit: number): Promise<readonly Role[]>;
}

export interface SessionReader {
  session(id: SessionId): Promise<Session | undefined>;
  /** Sessions that are neither ended nor expired, oldest first. */
  liveSessions(account: AccountId, now: EpochMilliseconds): Promise<readonly SessionSummary[]>;
  /** The session that answers to a browser's cookie, whether it lives or not. */
  sessionByCookie(hash: Sha256): Promise<Session | undefined>;
  attempt(id: AttemptId): Promise<LoginAttempt | undefined>;
  link(hash: Sha256): Promise<OneTimeLink | undefined>;
}

export interface AuthorizationReader {
  code(hash: Sha256): Promise<AuthorizationCode | undefined>;
  consent(account: AccountId, client: ClientId): Promise<Consent | undefined>;
  /** All that an account has allowed, oldest client first. */
  consents(account: AccountId): Promise<readonly Consent[]>;
}

export interface FamilyReader {
  family(id: FamilyId): Promise<TokenFamily | undefined>;
  /** Families of an account without a session, neither ended nor expired. */
  offlineFamilies(account: AccountId, now: EpochMilliseconds): Promise<readonly TokenFamily[]>;
  /** Families of an account for one client, neither ended nor expired. */
  familiesOf(account: AccountId, client: ClientId, now: EpochMilliseconds): Promise<readonly TokenFamily[]>;
  /** Of each client that a session signed in to, and of each `sid` that it was told, the newest family, live or not. */
  familiesOfSession(session: SessionId): Promise<readonly TokenFamily[]>;
  /** Families of an account with a pairwise subject that have not ended; readers of the feed know them by themselves only. */
  pairwiseFamilies(account: AccountId): Promise<readonly TokenFamily[]>;
  /** Live families whose current generation has its outer MAC under this key. */
  familiesUnderMacKey(keyId: number, page: Page<FamilyId>): Promise<readonly TokenFamily[]>;
}

export interface TokenReader {
  /** What is kept of an access token, whether it has expired or not. */
  tokenRecord(jti: TokenId): Promise<TokenRecord | undefined>;
  tokenRecordByHandle(handle: Sha256): Promise<TokenRecord | undefined>;
  /** Whose tokens there are rows of, in the order of their ids. */
  tokenRecordOwners(page: Page<ClientId | ApiKeyId>): Promise<readonly (ClientId | ApiKeyId)[]>;
}

export interface ClientReader {
  client(id: ClientId): Promise<Client | undefined>;
  clients(page: Page<ClientId>): Promise<readonly Client[]>;
  /** First-party clients that are not deleted, at most two: enough to know whether there is exactly one. */
  firstPartyClients(): Promise<readonly Client[]>;
  secrets(owner: ClientId | ResourceId): Promise<readonly OwnerSecret[]>;
  resource(identifier: ResourceIdentifier): Promise<Resource | undefined>;
  resourceById(id: ResourceId): Promise<Resource | undefined>;
  resources(page: Page<ResourceId>): Promise<readonly Resource[]>;
}

export interface ApiKeyReader {
  apiKey(id: ApiKeyId): Promise<ApiKey | undefined>;
  /** Keys of an owner, whatever became of them, oldest first. */
  apiKeysOf(owner: AccountId | ClientId, page: Page<ApiKeyId>): Promise<readonly ApiKey[]>;
  /** Keys for a resource, whatever became of them, oldest first. */
  apiKeysFor(resource: ResourceIdentifier, page: Page<ApiKeyId>): Promise<readonly ApiKey[]>;
  /** How many keys of an owner have neither ended nor expired. */
  liveApiKeys(owner: AccountId | ClientId, now: EpochMilliseconds): Promise<number>;
}

/** How often API keys were used, and what of their quotas is given out. */
export interface UsageReader {
  /** Uses that were debited in the period that began then. */
  quotaSpent(key: ApiKeyId, startsAt: EpochSeconds): Promise<number>;
  lease(id: string): Promise<StoredLease | undefined>;
  /** Leases of a key that are neither closed nor forgotten. */
  openLeases(key: ApiKeyId): Promise<number>;
  verifierInstance(name: string): Promise<VerifierInstance | undefined>;
  verifierInstances(resource: ResourceId): Promise<number>;
  /** Uses of a key in hours and days that begin from then on and before then, oldest first. */
  keyUsage(key: ApiKeyId, from: EpochSeconds, to: EpochSeconds): Promise<readonly KeyUsage[]>;
  /** The same of all keys of a resource together. */
  resourceUsage(
    resource: ResourceId,
    from: EpochSeconds,
    to: EpochSeconds,
  ): Promise<readonly (UsageBin & { readonly span: UsageSpan })[]>;
  /** The keys of a resource that were used most, with how often; most used first. */
  mostUsedKeys(
    resource: ResourceId,
    from: EpochSeconds,
    to: EpochSeconds,
    limit: number,
  ): Promise<readonly { readonly apiKey: ApiKeyId; readonly allowed: number; readonly refused: number }[]>;
  /** When a key was last allowed. */
  lastUse(key: ApiKeyId): Promise<EpochMilliseconds | undefined>;
}
export interface StatusListReader {
  /** The newest status list: the one of which indexes are taken. */
  newestStatusList(): Promise<StatusListRow | undefined>;
  /** Status lists that a token may still name, oldest first. */
  statusLists(page: Page<number>): Promise<readonly StatusListRow[]>;
  isStatusTaken(place: StatusPlace): Promise<boolean>;
  /** Records of tokens in a list, by their index. */
  statusRecords(list: number, page: Page<number>): Promise<readonly TokenRecord[]>;
  /** How many tokens of a client have a place in a list and a record. */
  listedTokenRecords(client: ClientId | ApiKeyId): Promise<number>;
}

export interface ReplayReader {
  /** Whether a token that may be used once was used at a resource. */
  isUsed(resource: ResourceId, hash: Sha256): Promise<boolean>;
}

export interface KeyReader {
  signingKeys(): Promise<readonly SigningKey[]>;
  macKeys(): Promise<readonly MacKey[]>;
  /** The secrets that all resources share with the server, oldest first. */
  sharedSecrets(): Promise<readonly SharedSecret[]>;
}

export interface LogReader {
  /** Unexpired events after `seq`, ascending. Numbers go on over epochs; each event says its own epoch. */
  revocations(afterSeq: number, now: EpochMilliseconds, limit: number): Promise<readonly RevocationEvent[]>;
  /** Unexpired events that name this id, newest last. */
  revocationsOf(id: string, now: EpochMilliseconds): Promise<readonly RevocationEvent[]>;
  /** Audit rows, newest first, below `before`. */
  audit(before: number | undefined, limit: number): Promise<readonly AuditRow[]>;
  /** Audit rows whose subject names this id, newest first. */
  auditOf(id: string, limit: number): Promise<readonly AuditRow[]>;
  /** Messages that are due, oldest first. */
  outbox(now: EpochMilliseconds, limit: number): Promise<readonly OutboxRow[]>;
}

/** What a decision may look at. A `load` asks for the slice that it reads. */
export interface Reader
  extends AccountReader,
    SessionReader,
    AuthorizationReader,
    FamilyReader,
    TokenReader,
    ClientReader,
    ApiKeyReader,
    UsageReader,
    StatusListReader,
    ReplayReader,
    KeyReader,
    LogReader {
  /** The store's clock, and how far the log and the catalogue are: read before the facts that it is used with. */
  moment(): Promise<Moment>;
}

/** The store's own time and place. */
export interface Moment {
  readonly now: EpochMilliseconds;
  /** The last event of the log. */
  readonly position: Position;
  /** Grows with every change of keys, clients, resources and their secrets: what a node keeps of them is valid for one number. */
  readonly catalogue: number;
}
