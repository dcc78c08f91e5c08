import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** What happened, in the words of the audit log. */
export const AUDIT_EVENTS = [
  'login.succeeded',
  'login.failed',
  'login.guesses_sprayed',
  'logout',
  'session.authenticated',
  'consent.given',
  'consent.denied',
  'consent.withdrawn',
  'authorization_code.replayed',
  'session.ended',
  'password.changed',
  'password.set',
  'profile.changed',
  'account.metadata_changed',
  'password.breach_unchecked',
  'password.reset',
  'account.created',
  'identifier.added',
  'identifier.removed',
  'identifier.verified',
  'account.disabled',
  'account.enabled',
  'client.created',
  'client.deleted',
  'client.secret_rotated',
  'resource.created',
  'resource.updated',
  'resource.secret_rotated',
  'resource.shared_secret_rotated',
  'api_key.created',
  'api_key.updated',
  'api_key.rotated',
  'api_key.ended',
  'api_key.leaked',
  'role.granted',
  'role.revoked',
  'administrator.link_issued',
  'token.revoked',
  'family.ended',
  'refresh_token.reused',
  'refresh_token.of_other_client',
  'refresh_token.newer_than_store',
  'refresh_token.overlap_streak',
  'key.created',
  'key.activated',
  'key.retired',
  'key.revoked',
  'mac_key.created',
  'mac_key.revoked',
  'feed.reader_ahead',
  'feed.cut_off_instead_of_tokens',
] as const;

export type AuditEvent = (typeof AUDIT_EVENTS)[number];

/** Who did it: an account or client by its id, the server itself, or somebody who proved nothing. */
export type Actor = string;

/** A row of the audit log, before the store gives it its number and its MAC. It never holds a secret. */
export interface AuditEntry {
  readonly at: EpochMilliseconds;
  readonly event: AuditEvent;
  readonly actor: Actor;
  /** What it happened to: ids by their kind. */
  readonly subject: Readonly<Record<string, string>>;
  /** Anything else that helps to understand it. */
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

/** A stored audit row. The chain columns are empty until the sealer has linked it. */
export interface AuditRow extends AuditEntry {
  readonly id: number;
  readonly mac: string;
}
