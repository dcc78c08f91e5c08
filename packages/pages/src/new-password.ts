import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { newPasswordField, type PasswordError, passwordErrorText } from './password-field.ts';
import type { Words } from './words.ts';

/** What the page shows that a link for a new password leads to. */
export interface NewPasswordModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  /** The address that the link was sent to. */
  readonly address: string;
  readonly error?: PasswordError;
}

/** The page that asks for a new password. It names the account, so that a manager of passwords knows whose it is. */
export function newPasswordPage({ theme, action, hidden, address, error }: NewPasswordModel, words: Words): string {
  return layout(
    words('new_password.title'),
    html`<h1>${words('new_password.title')}</h1>
${error === undefined ? '' : html`<p role="alert" id="error">${passwordErrorText(error, words)}</p>`}
${form(
  action,
  hidden,
  html`
<label for="username">${words('new_password.account')}</label>
<input id="username" name="username" type="text" value="${address}" autocomplete="username" readonly>
${newPasswordField(words('new_password.field'), error, words)}
<p class="muted">${words('new_password.ends')}</p>
<div class="buttons"><button class="main" type="submit">${words('new_password.submit')}</button></div>`,
)}`,
    { theme, words },
  );
}
