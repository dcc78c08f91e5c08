import { type Html, html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { codeOf } from './name.ts';
import type { Words } from './words.ts';

/** What the page of caught mails shows, the newest first. */
export interface DevMailModel {
  readonly theme: Theme;
  /** Addresses under it become links; nothing else does. */
  readonly issuer: string;
  readonly mails: readonly {
    readonly to: string;
    readonly subject: string;
    readonly text: string;
    /** Milliseconds since 1970. */
    readonly at: number;
  }[];
}

/** The page of the mails that development mode caught. */
export function devMailPage({ theme, issuer, mails }: DevMailModel, words: Words): string {
  const time = new Intl.DateTimeFormat(words.language, { timeStyle: 'medium', timeZone: 'UTC' });
  return layout(
    words('dev_mail.title'),
    html`<h1>${words('dev_mail.title')}</h1>
<p class="muted">${words('dev_mail.lead')}</p>
${mails.length === 0 ? html`<p>${words('dev_mail.none')}</p>` : ''}${mails.map(
  ({ to, subject, text, at }) =>
    html`<article><h2>${subject}</h2><p class="muted">${codeOf(to)} · <time datetime="${new Date(at).toISOString()}">${time.format(at)} UTC</time></p>${text
      .split(/\n{2,}/)
      .map((part) => html`<p>${linked(part, issuer)}</p>`)}</article>`,
)}`,
    { theme, words, isWide: true },
  );
}

const linked = (text: string, issuer: string): readonly Html[] =>
  text
    .split(/(\s+)/)
    .map((part) => (part.startsWith(`${issuer}/`) ? html`<a href="${part}">${part}</a>` : html`${part}`));
