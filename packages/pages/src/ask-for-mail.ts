import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import type { Words } from './words.ts';

/** What a link can be asked for. */
export type AskedLink = 'reset_password' | 'register' | 'sign_in';

/** Why nothing is sent. None of these tells whether there is such an account. */
export type AskError = 'invalid' | 'throttled';

/** What the page shows that asks where to send a link. */
export interface AskForMailModel {
  readonly theme: Theme;
  readonly kind: AskedLink;
  readonly action: string;
  readonly hidden: Fields;
  readonly typed?: string;
  readonly error?: AskError;
  /** The sign-in that waits. */
  readonly backTo?: string;
}

/** The page that asks where to send a link. A new account has an address before it has a name. */
export function askForMailPage(
  { theme, kind, action, hidden, typed = '', error, backTo }: AskForMailModel,
  words: Words,
): string {
  const title = words(`ask.${kind}.title`);
  const type = kind === 'register' ? 'email' : 'text';
  const marks = error === 'invalid' ? html` aria-invalid="true" aria-describedby="error"` : '';
  return layout(
    title,
    html`<h1>${title}</h1>
<p>${words(`ask.${kind}.lead`)}</p>
${error === undefined ? '' : html`<p role="alert" id="error">${words(`ask.error.${error}`)}</p>`}
${form(
  action,
  hidden,
  html`
<label for="identifier">${words(`ask.${kind}.field`)}</label>
<input id="identifier" name="identifier" type="${type}" value="${typed}" autocomplete="${kind === 'register' ? 'email' : 'username'}" autocapitalize="none" spellcheck="false" required autofocus${marks}>
<div class="buttons"><button class="main" type="submit">${words('ask.submit')}</button></div>`,
)}
${backTo === undefined ? '' : html`<p class="links"><a href="${backTo}">${words('ask.back')}</a></p>`}`,
    { theme, words },
  );
}
