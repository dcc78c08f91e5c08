import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { newPasswordField, type PasswordError, passwordErrorText } from './password-field.ts';
import { sentence, type Words } from './words.ts';

/** Why an account was not made: something is wrong with its name or with its password. */
export type CreateAccountError = 'username_invalid' | 'username_taken' | PasswordError;

/** What the page shows that a link for a new account leads to. */
export interface CreateAccountModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  /** The address that the link was sent to. */
  readonly address: string;
  readonly username?: string;
  readonly error?: CreateAccountError;
}

const isOfName = (error: CreateAccountError | undefined): error is 'username_invalid' | 'username_taken' =>
  error === 'username_invalid' || error === 'username_taken';

/** The page that asks for what an account needs beside its address. */
export function createAccountPage(
  { theme, action, hidden, address, username = '', error }: CreateAccountModel,
  words: Words,
): string {
  const marks = isOfName(error) ? html` aria-invalid="true" aria-describedby="error"` : '';
  const passwordError = isOfName(error) ? undefined : error;
  const told = error === undefined ? undefined : errorText(error, words);
  return layout(
    words('register.title'),
    html`<h1>${words('register.title')}</h1>
<p>${sentence(words, 'register.lead', { address: nameOf(address, words) })}</p>
${told === undefined ? '' : html`<p role="alert" id="error">${told}</p>`}
${form(
  action,
  hidden,
  html`
<label for="username">${words('register.username')}</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false"${marks}>
${newPasswordField(words('register.password'), passwordError, words)}
<div class="buttons"><button class="main" type="submit">${words('register.submit')}</button></div>`,
)}`,
    { theme, words },
  );
}

const errorText = (error: CreateAccountError, words: Words): string =>
  isOfName(error) ? words(`register.error.${error}`) : passwordErrorText(error, words);
