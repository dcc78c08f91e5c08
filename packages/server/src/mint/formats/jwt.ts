import { signingSecret } from '@latchkey/domain/keys/shared-secret';
import { milliseconds } from '@latchkey/protocol/types';
import { encodeAccessToken } from '@latchkey/tokens/formats/access-token-jwt';
import type { Signer } from '@latchkey/tokens/keys/signer';
import type { Server } from '../../server.ts';
import { recordToken } from '../token-record.ts';
import type { AccessTokenParts, MintFormat } from './format.ts';

/** The text of a signed token, under what its resource believes. @spec RFC 9068 §2 */
export async function signToken(parts: AccessTokenParts, server: Server): Promise<string> {
  return encodeAccessToken(parts.claims, await signerOf(parts, server), parts.grant.resource.tokenType);
}

async function signerOf({ grant: { resource }, keys }: AccessTokenParts, { store }: Server): Promise<Signer> {
  if (resource.algorithm !== 'HS256') return keys.signer(resource.algorithm);
  const { now } = await store.read.moment();
  const secret = signingSecret(keys.sharedSecrets(resource.id), now);
  if (secret === undefined) throw new Error('a resource with HS256 shares no secret');
  return secret.key;
}

/**
 * A signed token, under the current key of its resource's algorithm. One under a shared secret leaves a row, since the
 * server does not believe such a token, whoever made it.
 */
export const mintJwt: MintFormat = async (parts, server) => {
  const token = await signToken(parts, server);
  const { jti, claims, grant } = parts;
  const { clientId, resource } = grant;
  if (resource.algorithm !== 'HS256') return token;
  const expiresAt = milliseconds(claims.exp);
  await recordToken(
    { jti, opaque: undefined, clientId, resourceId: resource.id, status: undefined, claims, expiresAt },
    server,
  );
  return token;
};
