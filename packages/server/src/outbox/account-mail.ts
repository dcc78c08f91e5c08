import { parseIdentifier } from '@latchkey/domain/accounts/identifier';
import {
  type AccountMailCommand,
  decideAccountMail,
  loadAccountMail,
  MAILED_PURPOSES,
  type MailRequest,
} from '@latchkey/domain/login/account-mail';
import type { OutboxMessage, OutboxRow } from '@latchkey/domain/write';
import { linkMail, noticeMail } from '@latchkey/pages/mail';
import { LANGUAGES } from '@latchkey/pages/words';
import { parseId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { z } from 'zod';
import { wordsIn } from '../http/page.ts';
import { linkUrl, makeLinkSecret } from '../login/links.ts';
import type { Server } from '../server.ts';

const LANGUAGE = z.enum(LANGUAGES);
const REQUEST = z.object({
  purpose: z.enum(MAILED_PURPOSES),
  identifier: z.string(),
  account: z.string().optional(),
  session: z.string().optional(),
  login: z.string().optional(),
  language: LANGUAGE,
});
const NOTICE = z.object({
  notice: z.enum([
    'password_changed',
    'email_added',
    'name_added',
    'name_removed',
    'api_key_created',
    'api_key_rotated',
    'api_key_ended',
    'api_key_leaked',
  ]),
  to: z.string(),
  language: LANGUAGE,
});

/**
 * Delivers a mail that somebody asked for, if there is one to deliver. The secret of its link is made here and goes
 * nowhere but into the mail; where the mail is not taken, the next try makes another one, in the place of this.
 *
 * @spec ASVS 6.4.1, 6.6.2 (PWD-12, PWD-13, NUM-14)
 */
export async function deliverAccountMail({ body, at }: OutboxRow, server: Server): Promise<void> {
  const { request, language } = readRequest(body);
  const { secret, hash } = makeLinkSecret(server);
  const command: AccountMailCommand = { request, askedAt: at, hash };
  const { outcome } = await server.commit(
    (read) => loadAccountMail(read, command),
    (facts, moment) => decideAccountMail(facts, command, moment),
  );
  if (!outcome.ok || outcome.value === undefined) return;
  const { kind, to } = outcome.value;
  const words = wordsIn(language, server);
  const text =
    kind === 'account_exists'
      ? noticeMail({ kind, ...placeOf(server) }, words)
      : linkMail({ kind, ...placeOf(server), link: linkUrl(kind, secret, server), minutes: LINK_MINUTES }, words);
  await mailerOf(server).send({ to, ...text });
}

/** Tells the owner of an account of what has happened to it. @spec ASVS 6.3.7 (PWD-14) */
export async function deliverNotice({ body }: OutboxRow, server: Server): Promise<void> {
  const { notice, to, language } = NOTICE.parse(body);
  await mailerOf(server).send({ to, ...noticeMail({ kind: notice, ...placeOf(server) }, wordsIn(language, server)) });
}

/** How long a link is good, as people are told. */
export const LINK_MINUTES = DURATIONS.oneTimeLink / 60;

/** @throws for a message that no version of ours has written */
function readRequest(body: OutboxMessage['body']) {
  const { purpose, identifier: text, account, session, login, language } = REQUEST.parse(body);
  const identifier = parseIdentifier(text);
  if (identifier === undefined) throw new TypeError('a mail was asked for to what is no identifier');
  const request: MailRequest = {
    purpose,
    identifier,
    accountId: account === undefined ? undefined : parseId('acc', account),
    sessionId: session === undefined ? undefined : parseId('ses', session),
    attemptId: login === undefined ? undefined : parseId('att', login),
    language,
  };
  return { request, language };
}

/** What every mail says of where it comes from. */
const placeOf = ({ settings: { pagesName, issuer } }: Server) => ({
  name: pagesName,
  issuer,
  resetUrl: `${issuer}/reset`,
});

function mailerOf({ mail }: Server) {
  if (mail === undefined) throw new Error('there is no mail server in the settings');
  return mail;
}
