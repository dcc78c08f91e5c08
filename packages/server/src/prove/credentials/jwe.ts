import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { encryptedTokenHandle } from '@latchkey/tokens/formats/encrypted-token';
import type { Server } from '../../server.ts';
import type { ProveCredential } from '../credential-kind.ts';
import { proveRecord } from './record.ts';

/**
 * Finds what was kept of an encrypted token by the hash of its text: only its API can read it.
 *
 * @returns `token_malformed`, `encrypted_token_unknown`
 */
export async function readEncryptedToken(
  text: string,
  { store: { read } }: Pick<Server, 'store'>,
): Promise<Result<TokenRecord, ErrorId>> {
  const handle = encryptedTokenHandle(text);
  if (handle === undefined) return fail('token_malformed');
  const record = await read.tokenRecordByHandle(handle);
  return record === undefined ? fail('encrypted_token_unknown') : ok(record);
}

/**
 * An encrypted token, as clients hold it: what its row says, as long as it lives.
 *
 * @returns what reading refuses, `token_audience_wrong`, `token_expired`, `token_revoked`
 */
export const proveJwe: ProveCredential = async (text, resource, server) => {
  const record = await readEncryptedToken(text, server);
  return record.ok ? proveRecord(record.value, resource, server) : record;
};
