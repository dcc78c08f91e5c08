import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import type { Words } from './words.ts';

/** What the page after signing out shows. */
export interface SignedOutModel {
  readonly theme: Theme;
  /** Where to go on. A URL that could run as script is not shown. */
  readonly returnTo?: string;
}

/** The page that says that the session has ended. */
export const signedOutPage = ({ theme, returnTo }: SignedOutModel, words: Words): string =>
  layout(
    words('signed_out.title'),
    html`<h1>${words('signed_out.title')}</h1>
<p>${words('signed_out.lead')}</p>
${returnTo !== undefined && isPlace(returnTo) ? html`<div class="buttons"><a class="button" href="${returnTo}">${words('continue')}</a></div>` : ''}`,
    { theme, words },
  );

/** A web address, a path of this server, or a private scheme with a dot, which `javascript:` and `data:` do not have. */
const isPlace = (url: string): boolean =>
  /^(?:https?:\/\/|\/(?![/\\])|[a-z][a-z\d+-]*\.[a-z\d.+-]*:)[^\\\s]*$/i.test(url);
