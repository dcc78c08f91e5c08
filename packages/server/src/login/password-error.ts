import type { PasswordError } from '@latchkey/pages/password-field';
import type { ErrorId } from '@latchkey/protocol/errors';

const TOLD: Readonly<Record<PasswordError, true>> = {
  password_too_short: true,
  password_too_long: true,
  password_characters: true,
  password_blocklisted: true,
  password_breached: true,
};

/** What a page says of a password that was refused; undefined for a refusal that is about something else. */
export const passwordErrorOf = (error: ErrorId): PasswordError | undefined => (isTold(error) ? error : undefined);

const isTold = (error: ErrorId): error is PasswordError => error in TOLD;
