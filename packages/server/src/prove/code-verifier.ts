import { createHash } from 'node:crypto';

/** The challenge that a verifier amounts to. @spec RFC 7636 §4.2 (S256) */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');
