import { form } from '../form.ts';
import { html } from '../html.ts';
import { nameOf, visible } from '../name.ts';
import { newPasswordField, PASSWORD_ERRORS, type PasswordError, passwordErrorText } from '../password-field.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** Why a password was not changed: something is wrong with the one before or with the new one, or it was not the time. */
export type ChangePasswordError = 'wrong' | 'throttled' | 'overloaded' | PasswordError;

const isOfNew = (error: ChangePasswordError | undefined): error is PasswordError =>
  PASSWORD_ERRORS.some((one) => one === error);

/** What the page of the password shows. */
export interface PasswordModel extends AccountPart {
  readonly accountLabel: string;
  readonly hasPassword: boolean;
  /** Where one can be set by a link in a mail; undefined where there is no mail. */
  readonly resetUrl?: string;
  readonly error?: ChangePasswordError;
}

/**
 * The page on which a person changes their password. The name of the account stands there for those programs that keep
 * passwords; what was typed before never comes back.
 *
 * @spec ASVS 6.2.2, 6.2.3, 6.2.7 (PWD-15)
 */
export function passwordPage(model: PasswordModel, words: Words): string {
  const { home, hidden, accountLabel, hasPassword, resetUrl, error } = model;
  const marks = error === 'wrong' ? html` aria-invalid="true" aria-describedby="error"` : '';
  const ofNew = isOfNew(error) ? error : undefined;
  const told = error === undefined ? undefined : errorText(error, words);
  return accountPart(
    words('account.password.title'),
    model,
    hasPassword
      ? html`<p class="muted">${words('account.password.lead')}</p>
${told === undefined ? '' : html`<p role="alert" id="error">${told}</p>`}
${form(
  `${home}/password`,
  hidden,
  html`
<label for="username">${words('account.password.username')}</label>
<input id="username" name="username" type="text" value="${visible(accountLabel)}" autocomplete="username" readonly>
<label for="current">${words('account.password.current')}</label>
<input id="current" name="current_password" type="password" autocomplete="current-password" required${marks}>
${newPasswordField(words('account.password.new'), ofNew, words, 'new_password')}
<div class="buttons"><button class="main" type="submit">${words('account.password.submit')}</button></div>`,
)}`
      : html`<p>${sentence(words, 'account.password.none', { account: nameOf(accountLabel, words) })}</p>
${resetUrl === undefined ? '' : html`<p><a href="${resetUrl}">${words('account.password.by_mail')}</a></p>`}`,
    words,
  );
}

const errorText = (error: ChangePasswordError, words: Words): string =>
  isOfNew(error) ? passwordErrorText(error, words) : words(`account.password.error.${error}`);
