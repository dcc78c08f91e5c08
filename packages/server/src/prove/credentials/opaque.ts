import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { decodeOpaqueToken } from '@latchkey/tokens/formats/opaque-token';
import type { Server } from '../../server.ts';
import type { ProveCredential } from '../credential-kind.ts';
import { proveRecord } from './record.ts';

/**
 * Reads an opaque token: its MAC first, without any storage, then the row that its random part leads to.
 *
 * @returns `opaque_token_malformed`, `opaque_token_key_unknown`, `opaque_token_unknown`
 */
export async function readOpaqueToken(
  text: string,
  { store: { read }, keys }: Server,
): Promise<Result<TokenRecord, ErrorId>> {
  const { catalogue } = await read.moment();
  const token = decodeOpaqueToken(text, (await keys.at(catalogue)).macKeyOf);
  if (!token.ok) return token;
  const record = await read.tokenRecordByHandle(token.value.handle);
  return record === undefined ? fail('opaque_token_unknown') : ok(record);
}

/**
 * An opaque token: what its row says, as long as it lives.
 *
 * @returns what reading refuses, `token_audience_wrong`, `token_expired`, `token_revoked`
 */
export const proveOpaque: ProveCredential = async (text, resource, server) => {
  const record = await readOpaqueToken(text, server);
  return record.ok ? proveRecord(record.value, resource, server) : record;
};
