import type { AccessGrant } from '@latchkey/domain/tokens/access-grant';
import { decideStatusPlace, loadStatusPlace, STATUS_LIST_SIZE } from '@latchkey/domain/tokens/status-place';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { DURATIONS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, milliseconds, type TokenId } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';
import { statusListUri } from '../status-lists/uri.ts';

/** Places that are tried: that all of them are taken in a list that is half full happens once in four billion times. */
const CANDIDATES = 32;
/** The leeway of whoever looks a token up in its list, and the difference that clocks may have. */
const LONGER_MILLISECONDS = (DURATIONS.leewayMax + 120) * 1000;

/**
 * The claims of a token with its place in a status list, where its resource has one. Place and record are on disk before
 * anybody gets the token: whoever reads the list of a token without a record would be told that it is valid.
 *
 * @spec TSL draft-21 §6.1
 */
export async function withStatus(
  claims: AccessTokenClaims,
  { jti, grant: { clientId, resource } }: { readonly jti: TokenId; readonly grant: AccessGrant },
  server: Server,
): Promise<AccessTokenClaims> {
  if (!resource.hasStatusList || resource.format === 'opaque') return claims;
  const expiresAt = (milliseconds(claims.exp) + LONGER_MILLISECONDS) as EpochMilliseconds;
  const record = { jti, opaque: undefined, clientId, resourceId: resource.id, claims, expiresAt };
  const command = { record, candidates: randomIndexes(server) };
  const { outcome } = await server.commit(
    (read) => loadStatusPlace(read, command),
    (facts) => decideStatusPlace(facts, command),
  );
  if (!outcome.ok) throw new Error('a place in a status list is never refused');
  const { list, index } = outcome.value;
  return { ...claims, status: { status_list: { idx: index, uri: statusListUri(list, server) } } };
}

function randomIndexes({ entropy }: Server): readonly [number, ...number[]] {
  const bytes = entropy(4 * CANDIDATES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const at = (n: number) => view.getUint32(4 * n) % STATUS_LIST_SIZE;
  return [at(0), ...Array.from({ length: CANDIDATES - 1 }, (_, n) => at(n + 1))];
}
