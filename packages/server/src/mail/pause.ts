import type { Mailer } from './mailer.ts';

const PAUSE_MILLISECONDS = 10_000;

/** Errors of the mail library that are about one mail, not about the server. */
const ABOUT_THE_MAIL = ['EENVELOPE', 'EMESSAGE'];

const isAboutServer = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && !ABOUT_THE_MAIL.some((code) => code === error.code);

/** The mail server did not answer a moment ago, so that it is not asked again yet. */
class MailServerPaused extends Error {
  override readonly name = 'MailServerPaused';
}

/**
 * Leaves a mail server alone for a moment after it could not be reached: each mail would wait for it as long as the first
 * did, and hold up what else the outbox has to deliver. What was not sent is tried again later, as ever.
 *
 * @param monotonic milliseconds that never go back
 */
export function withPause(mailer: Mailer, monotonic: () => number): Mailer {
  let until = Number.NEGATIVE_INFINITY;
  return {
    async send(mail) {
      if (monotonic() < until) throw new MailServerPaused('the mail server could not be reached a moment ago');
      try {
        await mailer.send(mail);
      } catch (error) {
        if (isAboutServer(error)) until = monotonic() + PAUSE_MILLISECONDS;
        throw error;
      }
    },
  };
}
