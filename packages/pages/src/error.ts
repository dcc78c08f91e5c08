import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { codeOf, visible } from './name.ts';
import type { Words } from './words.ts';

/** What the error page shows. */
export interface ErrorModel {
  readonly theme: Theme;
  readonly title?: string;
  /** What happened, as a sentence. */
  readonly message: string;
  /** Finds this one event in the log. */
  readonly errorId: string;
  /** The code of the RFC, such as `invalid_request`. */
  readonly code: string;
}

/** The page for an error that cannot go back to a client: what happened, what to do, and what to tell whom. */
export function errorPage({ theme, title, message, errorId, code }: ErrorModel, words: Words): string {
  const heading = title === undefined ? words('error.title') : visible(title);
  return layout(
    heading,
    html`<h1>${heading}</h1>
<p>${visible(message)}</p>
<p class="muted">${words('error.advice')}</p>
<dl><dt>${words('error.code')}</dt><dd>${codeOf(code)}</dd><dt>${words('error.id')}</dt><dd>${codeOf(errorId)}</dd></dl>`,
    { theme, words },
  );
}
