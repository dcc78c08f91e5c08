import { visible } from './name.ts';
import type { Words } from './words.ts';

/** A mail with a link that is good once. */
export type LinkMailKind = 'reset_password' | 'register' | 'sign_in' | 'verify_email';

/** A mail that only tells something. */
export type NoticeMailKind =
  | 'account_exists'
  | 'password_changed'
  | 'email_added'
  | 'name_added'
  | 'name_removed'
  | 'api_key_created'
  | 'api_key_rotated'
  | 'api_key_ended'
  | 'api_key_leaked';

/** What stands in every mail. */
interface MailModel {
  /** The name of the deployment. */
  readonly name: string;
  /** Where it is: people recognise it by its host. */
  readonly issuer: string;
}

export interface LinkMailModel extends MailModel {
  readonly kind: LinkMailKind;
  readonly link: string;
  /** How long the link is good. */
  readonly minutes: number;
}

export interface NoticeMailModel extends MailModel {
  readonly kind: NoticeMailKind;
  /** Where a password can be set anew. */
  readonly resetUrl: string;
}

/** A mail, in plain text. */
export interface MailText {
  readonly subject: string;
  readonly text: string;
}

/** The mail that brings a link: who asked for what, the link, how long it is good, and what to do if it was not you. */
export function linkMail({ kind, name, issuer, link, minutes }: LinkMailModel, words: Words): MailText {
  const values = valuesOf(name, issuer);
  return {
    subject: words(`mail.${kind}.subject`, values),
    text: textOf([
      words(`mail.${kind}.lead`, values),
      words(`mail.${kind}.do`, values),
      link,
      words('mail.life', { minutes }),
      words(`mail.${kind}.otherwise`),
      words('mail.closing', values),
    ]),
  };
}

/** The mail that tells of something, and where to set a new password. */
export function noticeMail({ kind, name, issuer, resetUrl }: NoticeMailModel, words: Words): MailText {
  const values = valuesOf(name, issuer);
  return {
    subject: words(`mail.${kind}.subject`, values),
    text: textOf([
      words(`mail.${kind}.lead`, values),
      words(`mail.${kind}.do`, values),
      resetUrl,
      words(`mail.${kind}.otherwise`),
      words('mail.closing', values),
    ]),
  };
}

/** A name comes from a setting, and stands in a subject: it has no line breaks there. */
const valuesOf = (name: string, issuer: string) => ({ name: visible(name), host: new URL(issuer).host });

const textOf = (paragraphs: readonly string[]): string => `${paragraphs.join('\n\n')}\n`;
