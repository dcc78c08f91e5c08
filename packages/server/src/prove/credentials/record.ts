import type { Resource } from '@latchkey/domain/clients/resource';
import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { ActiveIntrospection } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, type Result } from '@latchkey/protocol/result';
import { milliseconds } from '@latchkey/protocol/types';
import type { Server } from '../../server.ts';
import { proveLife } from './life.ts';

/**
 * A token by its row, for a resource. What the resource makes today is no matter. A row can outlive its token, where that
 * has a place in a status list.
 *
 * @returns `token_audience_wrong`, `token_expired`, `token_revoked`
 */
export async function proveRecord(
  { resourceId, claims }: TokenRecord,
  { id }: Resource,
  server: Server,
): Promise<Result<ActiveIntrospection, ErrorId>> {
  if (resourceId !== id) return fail('token_audience_wrong');
  const { now } = await server.store.read.moment();
  return now >= milliseconds(claims.exp) ? fail('token_expired') : proveLife(claims, server);
}
