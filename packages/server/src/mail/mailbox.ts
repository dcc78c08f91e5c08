import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Mail, Mailer } from './mailer.ts';

/** A mail that was caught, and when. */
export interface CaughtMail extends Mail {
  readonly at: EpochMilliseconds;
}

/** Catches mail instead of sending it, for development: the last few can be read at `/dev/mail`. */
export interface Mailbox extends Mailer {
  /** The newest first. */
  readonly mails: () => readonly CaughtMail[];
}

export function createMailbox(now: () => EpochMilliseconds): Mailbox {
  let caught: readonly CaughtMail[] = [];
  return {
    mails: () => caught,
    send(mail) {
      caught = [{ ...mail, at: now() }, ...caught].slice(0, LIMITS.caughtMailsMax);
      return Promise.resolve();
    },
  };
}
