import type { Write } from '../write.ts';
import type { TokenRecord } from './token-record.ts';

/**
 * What goes with a token that has ended: its row, which only could say so again. One that has a place in a status list
 * stays until it expires, so that nobody gets its place.
 */
export const forgetWrites = (record: TokenRecord | undefined): readonly Write[] =>
  record === undefined || record.status !== undefined ? [] : [{ kind: 'token.forget', jti: record.jti }];
