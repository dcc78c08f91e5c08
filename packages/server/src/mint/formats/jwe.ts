import { milliseconds } from '@latchkey/protocol/types';
import { encryptedTokenHandle, encryptToken } from '@latchkey/tokens/formats/encrypted-token';
import { statusExpiresAt } from '../status.ts';
import { recordToken } from '../token-record.ts';
import type { MintFormat } from './format.ts';
import { signToken } from './jwt.ts';

/**
 * A signed token, encrypted to its API. Nobody else can read it, the server no more than the client: so what it says is
 * kept under the hash of its text, for introspection and for whoever revokes what they hold.
 *
 * @spec RFC 7519 §5.2 (nested JWT)
 */
export const mintJwe: MintFormat = async (parts, server) => {
  const { jti, claims, status, grant } = parts;
  const { id: resourceId, encryptionKey } = grant.resource;
  if (encryptionKey === undefined) throw new Error('a resource with encrypted tokens has no key');
  const token = await encryptToken(await signToken(parts, server), encryptionKey);
  const handle = encryptedTokenHandle(token);
  if (handle === undefined) return token; // longer than any token may be: nobody will take it
  const expiresAt = status === undefined ? milliseconds(claims.exp) : statusExpiresAt(claims);
  const opaque = { handle, macKeyId: undefined };
  await recordToken({ jti, opaque, clientId: grant.clientId, resourceId, status, claims, expiresAt }, server);
  return token;
};
