import type { ProveCredential } from '../credential-kind.ts';
import { readOwnAccessToken } from '../own-token.ts';
import { proveLife } from './life.ts';

/**
 * A signed token: decoded as a verifier would, then its life.
 *
 * @returns what decoding refuses, `token_revoked`
 */
export const proveJwt: ProveCredential = async (text, { audience, tokenType }, server) => {
  const claims = await readOwnAccessToken(text, { audience, typ: tokenType }, server);
  return claims.ok ? proveLife(claims.value, server) : claims;
};
