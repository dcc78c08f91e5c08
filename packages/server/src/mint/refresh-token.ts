import type { RefreshGrant } from '@latchkey/domain/tokens/access-grant';
import { encodeRefreshToken } from '@latchkey/tokens/formats/refresh-token';
import type { OpenKeys } from '../keys/key-ring.ts';
import { seedPlace } from '../seal/places.ts';
import type { Server } from '../server.ts';

/** Derives the refresh token of a family's generation. The same generation gives the same text every time. */
export function mintRefreshToken(grant: RefreshGrant, keys: OpenKeys, server: Server): string {
  const seed = server.seal.open(seedPlace(grant.familyId), grant.seed);
  const macKey = keys.macKeyOf(grant.macKeyId);
  if (macKey === undefined) throw new Error('the MAC key of a live family is gone');
  return encodeRefreshToken(
    { keyId: grant.macKeyId, familyId: grant.familyId, generation: grant.generation },
    seed,
    macKey,
  );
}
