import { allow } from '@latchkey/domain/decision';
import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { Write } from '@latchkey/domain/write';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Server } from '../server.ts';

/**
 * Leaves the row of a token, on disk before anybody gets the token. It is a commit of its own, after that of the grant:
 * what is revoked between the two is found by family, session and place in the log.
 */
export async function recordToken(record: TokenRecord, server: Server): Promise<void> {
  await server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writesOf(record)),
  );
}

/** A token with a place in a status list has a record already, from when there was no text yet. */
const writesOf = (record: TokenRecord): readonly Write[] =>
  record.status === undefined
    ? [{ kind: 'token.record', record, max: LIMITS.tokenRecordsPerClientMax }]
    : [
        { kind: 'token.forget', jti: record.jti },
        { kind: 'token.record', record, max: LIMITS.statusRecordsPerClientMax },
      ];
