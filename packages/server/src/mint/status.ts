import type { AccessGrant } from '@latchkey/domain/tokens/access-grant';
import { decideStatusPlace, loadStatusPlace, STATUS_LIST_SIZE } from '@latchkey/domain/tokens/status-place';
import type { StatusPlace } from '@latchkey/domain/tokens/token-record';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import { ok, type Result } from '@latchkey/protocol/result';
import { type EpochMilliseconds, milliseconds, type TokenId } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';

/** Places that are tried: that all of them are taken in a list that is half full happens once in four billion times. */
const CANDIDATES = 32;
/** The leeway of whoever looks a token up in its list, and the difference that clocks may have. */
const LONGER_MILLISECONDS = (DURATIONS.leewayMax + 120) * 1000;

/**
 * Takes a place in a status list for a token, where its resource has one. Place and record are on disk before anybody
 * gets the token: whoever reads the list of a token without a record would be told that it is valid.
 *
 * @returns `overloaded`
 * @spec TSL draft-21 §6.1
 */
export async function takeStatusPlace(
  claims: AccessTokenClaims,
  { jti, grant: { clientId, resource } }: { readonly jti: TokenId; readonly grant: AccessGrant },
  server: Server,
): Promise<Result<StatusPlace | undefined, ErrorId>> {
  if (!resource.hasStatusList) return ok(undefined);
  const expiresAt = statusExpiresAt(claims);
  const record = { jti, opaque: undefined, clientId, resourceId: resource.id, claims, expiresAt };
  const command = { record, candidates: randomIndexes(server) };
  const { outcome } = await server.commit(
    (read) => loadStatusPlace(read, command),
    (facts) => decideStatusPlace(facts, command),
  );
  return outcome;
}

/** Until when the record of a token with a place is kept: as long as anybody may look its place up. */
export const statusExpiresAt = ({ exp }: AccessTokenClaims): EpochMilliseconds =>
  (milliseconds(exp) + LONGER_MILLISECONDS) as EpochMilliseconds;

function randomIndexes({ entropy }: Server): readonly [number, ...number[]] {
  const bytes = entropy(4 * CANDIDATES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const at = (n: number) => view.getUint32(4 * n) % STATUS_LIST_SIZE;
  return [at(0), ...Array.from({ length: CANDIDATES - 1 }, (_, n) => at(n + 1))];
}
