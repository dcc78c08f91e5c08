import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { DEFAULT_THEME, layout, type Theme } from './layout.ts';
import type { Words } from './words.ts';

/** What goes back to the client. */
export interface FormPostModel {
  /** The redirect URI. */
  readonly action: string;
  readonly fields: Fields;
  readonly theme?: Theme;
}

/** The one script of all pages, which the server allows by its hash. Where it may not run, the button does the same. */
export const FORM_POST_SCRIPT = 'document.forms[0].submit()';

/** The page that sends an authorization response to the client as a form. @spec OAuth 2.0 Form Post Response Mode §2 */
export const formPostPage = ({ action, fields, theme = DEFAULT_THEME }: FormPostModel, words: Words): string =>
  layout(
    words('form_post.title'),
    html`<h1>${words('form_post.title')}</h1>
<p>${words('form_post.lead')}</p>
${form(action, fields, html`<div class="buttons"><button class="main" type="submit">${words('continue')}</button></div>`)}
<script>${{ html: FORM_POST_SCRIPT }}</script>`,
    { theme, words },
  );
