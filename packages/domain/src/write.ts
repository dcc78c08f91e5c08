import type { RevocationKind } from '@latchkey/protocol/claims';
import type {
  AccountId,
  ApiKeyId,
  AttemptId,
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  FamilyId,
  NormalisedIdentifier,
  SecretId,
  SessionId,
  Sha256,
  TokenId,
} from '@latchkey/protocol/types';
import type { Account, Identifier, Role } from './accounts/account.ts';
import type { AccountMetadata } from './accounts/metadata.ts';
import type { Profile } from './accounts/profile.ts';
import type { ApiKey } from './api-keys/api-key.ts';
import type { Period } from './api-keys/period.ts';
import type { StoredLease } from './api-keys/stored-lease.ts';
import type { AddedUsage } from './api-keys/usage.ts';
import type { VerifierInstance } from './api-keys/verifier-instance.ts';
import type { AuditEntry } from './audit.ts';
import type { AuthorizationCode } from './authorization/code.ts';
import type { Consent } from './authorization/consent.ts';
import type { Client, OwnerSecret } from './clients/client.ts';
import type { Resource } from './clients/resource.ts';
import type { SharedSecret } from './keys/shared-secret.ts';
import type { MacKey, SigningKey, SigningKeyState } from './keys/signing-key.ts';
import type { LoginAttempt } from './login/attempt.ts';
import type { OneTimeLink } from './login/one-time-link.ts';
import type { Ended, Session, SessionCookie } from './login/session.ts';
import type { TokenFamily } from './tokens/family.ts';
import type { StatusPlace, TokenRecord } from './tokens/token-record.ts';
import type { UsedToken } from './tokens/used-token.ts';

/** Everything that a decision may change. The union is closed: a store has a statement for every kind. */
export type Write =
  | { readonly kind: 'account.create'; readonly account: Account; readonly identifiers: readonly Identifier[] }
  | { readonly kind: 'account.disable'; readonly id: AccountId; readonly at: EpochMilliseconds }
  | { readonly kind: 'account.enable'; readonly id: AccountId }
  | { readonly kind: 'identifier.add'; readonly identifier: Identifier }
  | { readonly kind: 'identifier.remove'; readonly normalised: NormalisedIdentifier; readonly accountId: AccountId }
  /** The first time counts. */
  | { readonly kind: 'identifier.verify'; readonly normalised: NormalisedIdentifier; readonly at: EpochMilliseconds }
  /** Sets or replaces the password; the count of failures starts anew. */
  | { readonly kind: 'password.set'; readonly id: AccountId; readonly phc: string; readonly at: EpochMilliseconds }
  /** The same password under a newer hash: no new version, since nothing that was proved with it becomes false. */
  | { readonly kind: 'password.rehash'; readonly id: AccountId; readonly version: number; readonly phc: string }
  | { readonly kind: 'password.fail'; readonly id: AccountId; readonly at: EpochMilliseconds }
  | { readonly kind: 'password.succeed'; readonly id: AccountId }
  /** In the place of the link before it of the same purpose and subject. */
  | { readonly kind: 'link.issue'; readonly link: OneTimeLink }
  /** Exactly one row: a link is good once. */
  | { readonly kind: 'link.use'; readonly hash: Sha256 }
  /** All links that were sent for an account, if there are any: what they were asked for in is over. */
  | { readonly kind: 'link.end'; readonly accountId: AccountId }
  /** Sets or replaces the profile: the row of the version before, or none yet. */
  | { readonly kind: 'profile.set'; readonly profile: Profile }
  /** Sets or replaces what is kept for APIs: the row of the version before, or none yet. */
  | { readonly kind: 'account_metadata.set'; readonly metadata: AccountMetadata }
  | { readonly kind: 'attempt.store'; readonly attempt: LoginAttempt }
  | { readonly kind: 'attempt.remove'; readonly id: AttemptId }
  | { readonly kind: 'session.start'; readonly session: Session }
  /** The person proved again who they are: a new time, and another cookie in the place of the one before. */
  | {
      readonly kind: 'session.authenticate';
      readonly id: SessionId;
      readonly from: number;
      readonly authTime: EpochSeconds;
      readonly amr: readonly string[];
      readonly acr: string | undefined;
      readonly cookie: SessionCookie;
    }
  /** The cookie was seen: no new version, since nothing that was proved becomes false. */
  | { readonly kind: 'session.see'; readonly id: SessionId; readonly at: EpochMilliseconds }
  | { readonly kind: 'session.end'; readonly id: SessionId; readonly ended: Ended }
  | { readonly kind: 'consent.store'; readonly consent: Consent }
  | { readonly kind: 'consent.withdraw'; readonly accountId: AccountId; readonly clientId: ClientId }
  | { readonly kind: 'code.issue'; readonly code: AuthorizationCode }
  /** Exactly one row that was not redeemed before, or the decision was made on stale facts. */
  | { readonly kind: 'code.redeem'; readonly hash: Sha256; readonly at: EpochMilliseconds }
  | { readonly kind: 'code.miss'; readonly hash: Sha256 }
  /** By what an account is known in a sector, from now on and for ever: a new row, or the decision was made on stale facts. */
  | {
      readonly kind: 'subject.assign';
      readonly sector: string;
      readonly accountId: AccountId;
      readonly subject: string;
    }
  | { readonly kind: 'family.start'; readonly family: TokenFamily }
  /** Compare-and-set of the generation: exactly one row, or the decision was made on stale facts. */
  | {
      readonly kind: 'family.rotate';
      readonly id: FamilyId;
      readonly from: number;
      readonly at: EpochMilliseconds;
      readonly overlapMilliseconds: number;
      readonly attemptHash: Sha256 | undefined;
      readonly overlapStreak: number;
      readonly macKeyId: number;
    }
  /** A use of a refresh token that is kept and not rotated. */
  | {
      readonly kind: 'family.touch';
      readonly id: FamilyId;
      readonly generation: number;
      readonly at: EpochMilliseconds;
    }
  | { readonly kind: 'family.use_overlap'; readonly id: FamilyId; readonly generation: number; readonly streak: number }
  | { readonly kind: 'family.end'; readonly id: FamilyId; readonly ended: Ended }
  /** Ends every live family of an account that has no session: password change, disable, end all. */
  | { readonly kind: 'family.end_offline'; readonly accountId: AccountId; readonly ended: Ended }
  /** One more than `max` of its client takes the place of the one that expires first. */
  | { readonly kind: 'token.record'; readonly record: TokenRecord; readonly max: number }
  | { readonly kind: 'token.forget'; readonly jti: TokenId }
  /** Takes an index of a list, which begins with its first. No index of a list is taken twice. */
  | { readonly kind: 'status_list.take'; readonly place: StatusPlace }
  /** A new row, or somebody else was first. */
  | { readonly kind: 'replay.consume'; readonly used: UsedToken }
  | { readonly kind: 'client.create'; readonly client: Client }
  | { readonly kind: 'client.delete'; readonly id: ClientId; readonly at: EpochMilliseconds }
  | { readonly kind: 'secret.add'; readonly secret: OwnerSecret }
  | { readonly kind: 'secret.expire'; readonly id: SecretId; readonly at: EpochMilliseconds }
  | { readonly kind: 'secret.remove'; readonly id: SecretId }
  | { readonly kind: 'resource.create'; readonly resource: Resource }
  /** The row of the version before. */
  | { readonly kind: 'resource.update'; readonly resource: Resource }
  | { readonly kind: 'api_key.create'; readonly key: ApiKey }
  /** The row of the version before, while it has not ended: other terms, or another secret. */
  | { readonly kind: 'api_key.update'; readonly key: ApiKey }
  | { readonly kind: 'api_key.end'; readonly id: ApiKeyId; readonly ended: Ended }
  /** Uses out of what a quota has left in a period: exactly as many, or the decision was made on stale facts. */
  | {
      readonly kind: 'quota.debit';
      readonly apiKey: ApiKeyId;
      readonly period: Period;
      readonly uses: number;
      readonly limit: number;
    }
  | {
      readonly kind: 'quota.credit';
      readonly apiKey: ApiKeyId;
      readonly startsAt: EpochSeconds;
      readonly uses: number;
    }
  | { readonly kind: 'lease.grant'; readonly lease: StoredLease }
  /** Exactly one row: a lease is closed once. */
  | { readonly kind: 'lease.close'; readonly id: string }
  /** Added to the uses of their hour. */
  | { readonly kind: 'usage.add'; readonly usage: AddedUsage }
  /** In the place of what the same verifier told before: a greater number, or somebody was faster. */
  | { readonly kind: 'verifier.report'; readonly told: VerifierInstance }
  | { readonly kind: 'role.grant'; readonly role: Role }
  | { readonly kind: 'role.revoke'; readonly role: Role }
  | { readonly kind: 'key.create'; readonly key: SigningKey }
  | {
      readonly kind: 'key.move';
      readonly kid: string;
      readonly from: SigningKeyState;
      readonly to: SigningKeyState;
      readonly at: EpochMilliseconds;
    }
  | { readonly kind: 'key.remove'; readonly kid: string }
  | { readonly kind: 'shared_secret.create'; readonly secret: SharedSecret }
  /** One that had no end yet. */
  | { readonly kind: 'shared_secret.retire'; readonly kid: string; readonly at: EpochMilliseconds }
  | { readonly kind: 'shared_secret.remove'; readonly kid: string }
  | { readonly kind: 'mac_key.create'; readonly key: MacKey }
  | { readonly kind: 'mac_key.move'; readonly id: number; readonly to: MacKey['state'] }
  /**
   * An event of the log; the store gives it the next number. With `cutOff` the same number is noted on the account or
   * client, so that the server's own decisions find it when the event is no longer kept.
   */
  | {
      readonly kind: 'revocation.emit';
      readonly event: { readonly kind: RevocationKind; readonly id: string; readonly exp: EpochSeconds };
    }
  /** The log begins a new history: what this database knew may be less than what readers saw. */
  | { readonly kind: 'epoch.begin'; readonly at: EpochMilliseconds }
  | { readonly kind: 'audit.append'; readonly entry: AuditEntry }
  /** Audit row and outbox row in one; the log line and the metric follow the commit. */
  | { readonly kind: 'alert.raise'; readonly entry: AuditEntry }
  | { readonly kind: 'outbox.enqueue'; readonly message: OutboxMessage }
  | { readonly kind: 'outbox.delivered'; readonly id: number }
  | { readonly kind: 'outbox.retry'; readonly id: number; readonly at: EpochMilliseconds }
  /** It was not tried, and waits for longer. */
  | { readonly kind: 'outbox.postpone'; readonly id: number; readonly at: EpochMilliseconds };

/** An effect on the world, delivered by a worker after the commit. */
export interface OutboxMessage {
  readonly topic: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly at: EpochMilliseconds;
}

/** A stored message, with its number and how often it was tried. */
export interface OutboxRow extends OutboxMessage {
  readonly id: number;
  readonly attempts: number;
}
