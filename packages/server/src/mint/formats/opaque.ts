import { milliseconds } from '@latchkey/protocol/types';
import { encodeOpaqueToken, OPAQUE_RANDOM_BYTES, opaqueHandle } from '@latchkey/tokens/formats/opaque-token';
import { recordToken } from '../token-record.ts';
import type { MintFormat } from './format.ts';

/** A text without meaning, whose claims stay here: introspection tells them. @spec RFC 7662 §1 */
export const mintOpaque: MintFormat = async ({ jti, claims, grant: { clientId, resource }, keys }, server) => {
  const { id: macKeyId, key } = keys.macKey;
  const random = server.entropy(OPAQUE_RANDOM_BYTES);
  const opaque = { handle: opaqueHandle(random), macKeyId };
  const expiresAt = milliseconds(claims.exp);
  await recordToken({ jti, opaque, clientId, resourceId: resource.id, status: undefined, claims, expiresAt }, server);
  return encodeOpaqueToken({ keyId: macKeyId, random }, key);
};
