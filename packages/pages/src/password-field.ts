import { LIMITS } from '@latchkey/protocol/limits';
import { type Html, html } from './html.ts';
import type { Words } from './words.ts';

/** Why a new password is not taken. */
export const PASSWORD_ERRORS = [
  'password_too_short',
  'password_too_long',
  'password_characters',
  'password_blocklisted',
  'password_breached',
] as const;

export type PasswordError = (typeof PASSWORD_ERRORS)[number];

/**
 * The field for a new password, asked once: a manager of passwords fills it, and whoever mistypes it can reset it.
 *
 * @spec ASVS 6.2.7 (PWD-15)
 */
export const newPasswordField = (
  label: string,
  error: PasswordError | undefined,
  words: Words,
  name = 'password',
): Html =>
  html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" autocomplete="new-password" required aria-describedby="${error === undefined ? 'hint' : 'error hint'}"${error === undefined ? '' : html` aria-invalid="true" autofocus`}>
<p class="muted hint" id="hint">${words('new_password.hint', { count: LIMITS.passwordCodePointsMin })}</p>`;

/** What is wrong with a password, as a sentence. */
export const passwordErrorText = (error: PasswordError, words: Words): string =>
  words(`password.error.${error}`, { count: LIMITS.passwordCodePointsMin });
