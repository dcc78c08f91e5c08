import type { Fields } from '../form.ts';
import { type Html, html } from '../html.ts';
import { layout, type Theme } from '../layout.ts';
import type { Words } from '../words.ts';

/** What the pages of an account say after a change. Their address names one of these, and never a text. */
export const NOTICES = [
  'session_ended',
  'others_ended',
  'withdrawn',
  'password_changed',
  'identifier_added',
  'identifier_removed',
  'profile_saved',
  'api_key_ended',
  'verification_sent',
  'gone',
] as const;

export type Notice = (typeof NOTICES)[number];

/** What every page of an account has. */
export interface AccountPart {
  readonly theme: Theme;
  /** Where the pages of the account begin: the address of the first one. */
  readonly home: string;
  /** What each form carries. */
  readonly hidden: Fields;
  readonly notice?: Notice;
}

/** One page of an account: the way back, what was done, and the page itself. */
export const accountPart = (title: string, part: AccountPart, body: Html, words: Words): string =>
  layout(
    title,
    html`<p><a href="${part.home}"><span aria-hidden="true">← </span>${words('account.title')}</a></p>
<h1>${title}</h1>
${noticeOf(part, words)}${body}`,
    { theme: part.theme, words, isWide: true },
  );

export const noticeOf = ({ notice }: AccountPart, words: Words): Html =>
  notice === undefined ? html`` : html`<p role="status">${words(`account.notice.${notice}`)}</p>\n`;
