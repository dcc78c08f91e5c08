import { LIMITS } from '@latchkey/protocol/limits';

/** How a verifier process may call itself. */
export const VERIFIER_NAME = /^[A-Za-z0-9._-]+$/;

export const isVerifierName = (text: string): boolean =>
  text.length <= LIMITS.verifierNameMax && VERIFIER_NAME.test(text);
