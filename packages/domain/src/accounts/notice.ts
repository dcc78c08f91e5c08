import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Write } from '../write.ts';
import type { Identifier } from './account.ts';
import { isMailable } from './mail-address.ts';

/** What an account's owner is told by mail, whoever did it. */
export type NoticeKind =
  | 'password_changed'
  | 'email_added'
  | 'name_added'
  | 'name_removed'
  | 'api_key_created'
  | 'api_key_rotated'
  | 'api_key_ended'
  | 'api_key_leaked';

/** The topic of the outbox under which notices are delivered. */
export const NOTICE_TOPIC = 'account_notice';

/** In which language mail is written; undefined where none can be sent. */
export type MailLanguage = string | undefined;

/**
 * Tells every mailbox of an account what has happened, one message each, so that one that cannot be reached keeps none
 * of the others from its mail. Where there is no mail, nothing is written.
 *
 * @spec ASVS 6.3.7 (PWD-14)
 */
export const noticeWrites = (
  identifiers: readonly Identifier[],
  { kind, language }: { readonly kind: NoticeKind; readonly language: MailLanguage },
  at: EpochMilliseconds,
): readonly Write[] =>
  (language === undefined ? [] : identifiers.filter(isMailable)).map(({ normalised }) => ({
    kind: 'outbox.enqueue',
    message: { topic: NOTICE_TOPIC, body: { notice: kind, to: normalised, language }, at },
  }));
