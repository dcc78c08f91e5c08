import { LIMITS } from '@latchkey/protocol/limits';
import { type Html, html } from './html.ts';
import type { Words } from './words.ts';

/** Why a new password was not taken. */
export type PasswordError =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_characters'
  | 'password_blocklisted'
  | 'password_breached';

/**
 * The field for a new password, asked once: a manager of passwords fills it, and whoever mistypes it can reset it.
 *
 * @spec ASVS 6.2.7 (PWD-15)
 */
export const newPasswordField = (label: string, error: PasswordError | undefined, words: Words): Html =>
  html`<label for="password">${label}</label>
<input id="password" name="password" type="password" autocomplete="new-password" required aria-describedby="${error === undefined ? 'hint' : 'error hint'}"${error === undefined ? '' : html` aria-invalid="true" autofocus`}>
<p class="muted hint" id="hint">${words('new_password.hint', { count: LIMITS.passwordCodePointsMin })}</p>`;

/** What is wrong with a password, as a sentence. */
export const passwordErrorText = (error: PasswordError, words: Words): string =>
  words(`password.error.${error}`, { count: LIMITS.passwordCodePointsMin });
