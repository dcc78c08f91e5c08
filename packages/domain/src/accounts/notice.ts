import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Write } from '../write.ts';
import type { Identifier } from './account.ts';
import { isMailable } from './mail-address.ts';

/** What an account's owner is told by mail, whoever did it. */
export type NoticeKind = 'password_changed' | 'email_added';

/** The topic of the outbox under which notices are delivered. */
export const NOTICE_TOPIC = 'account_notice';

export interface Notice {
  readonly kind: NoticeKind;
  /** In which language. */
  readonly language: string;
}

/**
 * Tells every mailbox of an account what has happened, one message each, so that one that cannot be reached keeps none
 * of the others from its mail.
 *
 * @spec ASVS 6.3.7 (PWD-14)
 */
export const noticeWrites = (
  identifiers: readonly Identifier[],
  { kind, language }: Notice,
  at: EpochMilliseconds,
): readonly Write[] =>
  identifiers.filter(isMailable).map(({ normalised }) => ({
    kind: 'outbox.enqueue',
    message: { topic: NOTICE_TOPIC, body: { notice: kind, to: normalised, language }, at },
  }));
