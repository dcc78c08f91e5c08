import { form } from '../form.ts';
import { html } from '../html.ts';
import { nameOf, visible } from '../name.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** Why a password was not changed. */
export type PasswordError =
  | 'wrong'
  | 'throttled'
  | 'overloaded'
  | 'too_short'
  | 'too_long'
  | 'characters'
  | 'blocklisted'
  | 'breached';

/** Errors of the new password, not of the one before. */
const OF_NEW: readonly PasswordError[] = ['too_short', 'too_long', 'characters', 'blocklisted', 'breached'];

/** What the page of the password shows. */
export interface PasswordModel extends AccountPart {
  readonly accountLabel: string;
  readonly hasPassword: boolean;
  /** Where one can be set by a link in a mail; undefined where there is no mail. */
  readonly resetUrl?: string;
  /** How long a new one must be. */
  readonly codePointsMin: number;
  readonly error?: PasswordError;
}

/**
 * The page on which a person changes their password. The name of the account stands there for those programs that keep
 * passwords; what was typed before never comes back.
 *
 * @spec ASVS 6.2.2, 6.2.3, 6.2.7 (PWD-15)
 */
export function passwordPage(model: PasswordModel, words: Words): string {
  const { home, hidden, accountLabel, hasPassword, resetUrl, codePointsMin, error } = model;
  const marks = html` aria-invalid="true" aria-describedby="error"`;
  const isCurrent = error === 'wrong';
  const isNew = error !== undefined && OF_NEW.includes(error);
  return accountPart(
    words('account.password.title'),
    model,
    hasPassword
      ? html`<p class="muted">${words('account.password.lead')}</p>
${error === undefined ? '' : html`<p role="alert" id="error">${words(`account.password.error.${error}`, { count: codePointsMin })}</p>`}
${form(
  `${home}/password`,
  hidden,
  html`
<label for="username">${words('account.password.username')}</label>
<input id="username" name="username" type="text" value="${visible(accountLabel)}" autocomplete="username" readonly>
<label for="current">${words('account.password.current')}</label>
<input id="current" name="current_password" type="password" autocomplete="current-password" required${isCurrent ? marks : ''}>
<label for="next">${words('account.password.new')}</label>
<input id="next" name="new_password" type="password" autocomplete="new-password" required${isNew ? marks : html` aria-describedby="rule"`}>
<p class="muted" id="rule">${words('account.password.rule', { count: codePointsMin })}</p>
<div class="buttons"><button class="main" type="submit">${words('account.password.submit')}</button></div>`,
)}`
      : html`<p>${sentence(words, 'account.password.none', { account: nameOf(accountLabel, words) })}</p>
${resetUrl === undefined ? '' : html`<p><a href="${resetUrl}">${words('account.password.by_mail')}</a></p>`}`,
    words,
  );
}
