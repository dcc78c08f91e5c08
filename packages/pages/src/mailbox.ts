import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import type { Words } from './words.ts';

/** What the page shows after a link was asked for. */
export interface MailboxModel {
  readonly theme: Theme;
  /** How long the link is good. */
  readonly minutes: number;
}

/** The page after a link was asked for: the same whatever was typed, and whether a mail comes or not. */
export const mailboxPage = ({ theme, minutes }: MailboxModel, words: Words): string =>
  layout(
    words('mailbox.title'),
    html`<h1>${words('mailbox.title')}</h1>
<p>${words('mailbox.lead', { minutes })}</p>
<p class="muted">${words('mailbox.nothing')}</p>`,
    { theme, words },
  );
