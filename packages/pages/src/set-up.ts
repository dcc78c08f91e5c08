import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { newPasswordField, type PasswordError, passwordErrorText } from './password-field.ts';
import { sentence, type Words } from './words.ts';

/** Why a new administrator's account was not made. */
export type SetUpError = 'username' | 'taken' | PasswordError;

const isOfName = (error: SetUpError | undefined): error is 'username' | 'taken' =>
  error === 'username' || error === 'taken';

/** What the page for a new administrator shows. */
export interface SetUpModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  /** The account that is signed in in this browser, which may be the one. */
  readonly accountLabel?: string;
  readonly username?: string;
  readonly error?: SetUpError;
}

/** The page that makes an administrator: of a new account, or of the one that is signed in. */
export function setUpPage(model: SetUpModel, words: Words): string {
  const { theme, action, hidden, accountLabel, username = '', error } = model;
  const marks = isOfName(error) ? html` aria-invalid="true" aria-describedby="error"` : '';
  const passwordError = isOfName(error) ? undefined : error;
  const told = error === undefined ? undefined : errorText(error, words);
  return layout(
    words('set_up.title'),
    html`<h1>${words('set_up.title')}</h1>
<p>${words('set_up.lead')}</p>
${
  accountLabel === undefined
    ? ''
    : form(
        action,
        { ...hidden, account: 'signed-in' },
        html`<p>${sentence(words, 'set_up.signed_in', { account: nameOf(accountLabel, words) })}</p>
<div class="buttons"><button class="main" type="submit">${words('set_up.promote')}</button></div>`,
      )
}
${accountLabel === undefined ? '' : html`<h2>${words('set_up.other')}</h2>`}
${told === undefined ? '' : html`<p role="alert" id="error">${told}</p>`}
${form(
  action,
  hidden,
  html`
<label for="username">${words('signin.username')}</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${marks}>
${newPasswordField(words('signin.password'), passwordError, words)}
<div class="buttons"><button class="main" type="submit">${words('set_up.submit')}</button></div>`,
)}`,
    { theme, words },
  );
}

const errorText = (error: SetUpError, words: Words): string =>
  isOfName(error) ? words(`set_up.error.${error}`) : passwordErrorText(error, words);

/** The page after that. */
export const setUpDonePage = (
  { theme, accountLabel }: { readonly theme: Theme; readonly accountLabel: string },
  words: Words,
): string =>
  layout(
    words('set_up.done.title'),
    html`<h1>${words('set_up.done.title')}</h1>
<p>${sentence(words, 'set_up.done.lead', { account: nameOf(accountLabel, words) })}</p>
<p class="muted">${words('set_up.done.next')} <code>latchkey login</code></p>`,
    { theme, words },
  );
