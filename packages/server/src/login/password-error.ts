import { PASSWORD_ERRORS, type PasswordError } from '@latchkey/pages/password-field';
import type { ErrorId } from '@latchkey/protocol/errors';

/** What a page says of a new password that was refused; undefined for a refusal that is about something else. */
export const passwordErrorOf = (error: ErrorId): PasswordError | undefined =>
  PASSWORD_ERRORS.find((one) => one === error);
