import type { AccountId, ApiKeyId, EpochMilliseconds } from '@latchkey/protocol/types';
import type { Identifier } from '../accounts/account.ts';
import { type MailLanguage, type NoticeKind, noticeWrites } from '../accounts/notice.ts';
import type { AuditEntry } from '../audit.ts';
import type { Ending } from '../login/end-writes.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { Write } from '../write.ts';
import type { ApiKey } from './api-key.ts';

/** What is common to all that happens to a key: who is told of it, and in which language. */
export interface Told {
  /** The names of the account that owns the key; none where a client does. */
  readonly identifiers: readonly Identifier[];
  readonly language: MailLanguage;
}

/** Tells the mailboxes of the account that owns a key. @spec ASVS 6.3.7 */
export const tellOwner = (kind: NoticeKind, { identifiers, language }: Told, at: EpochMilliseconds): readonly Write[] =>
  noticeWrites(identifiers, { kind, language }, at);

/** What verifiers keep of a key, or of all keys of an account, is not true any more: they ask again. */
export const changedEvent = (id: ApiKeyId | AccountId, now: EpochMilliseconds): Write => ({
  kind: 'revocation.emit',
  event: { kind: 'changed', id, exp: eventExpiry(now) },
});

/** The end of a key, and of whatever was made from it. */
export const endWrites = ({ id }: ApiKey, ended: Ending): readonly Write[] => [
  { kind: 'api_key.end', id, ended },
  { kind: 'revocation.emit', event: { kind: 'api_key', id, exp: eventExpiry(ended.at) } },
];

/** A row of the audit log about a key and its owner. */
export const entryOf = (
  { id, owner }: ApiKey,
  { event, actor, at, detail = {} }: Pick<AuditEntry, 'event' | 'actor' | 'at'> & Partial<Pick<AuditEntry, 'detail'>>,
): AuditEntry => ({
  at,
  event,
  actor,
  subject: { api_key: id, ...(owner.startsWith('cli_') ? { client: owner } : { account: owner }) },
  detail,
});
