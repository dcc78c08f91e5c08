import type { RefreshGrant } from '@latchkey/domain/tokens/access-grant';
import { encodeRefreshToken } from '@latchkey/tokens/formats/refresh-token';
import type { OpenKeys } from '../keys/key-ring.ts';
import { seedPlace } from '../seal/places.ts';
import type { Server } from '../server.ts';

/**
 * Derives the refresh token of a family's generation. The same generation gives the same text every time. Undefined
 * when its MAC key was revoked since the decision: the family has ended, or ends.
 */
export function mintRefreshToken(grant: RefreshGrant, keys: OpenKeys, server: Server): string | undefined {
  const seed = server.seal.open(seedPlace(grant.familyId), grant.seed);
  const macKey = keys.macKeyOf(grant.macKeyId);
  if (macKey === undefined) return undefined;
  return encodeRefreshToken(
    { keyId: grant.macKeyId, familyId: grant.familyId, generation: grant.generation },
    seed,
    macKey,
  );
}
