import { encodeAccessToken } from '@latchkey/tokens/formats/access-token-jwt';
import type { MintFormat } from './format.ts';

/** A signed token, under the current key of its resource's algorithm. @spec RFC 9068 §2 */
export const mintJwt: MintFormat = async ({ claims, grant: { resource }, keys }) =>
  encodeAccessToken(claims, keys.signer(resource.algorithm), resource.tokenType);
