import type { RevocationEvent, RevocationKind } from '@latchkey/protocol/claims';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { numberIn, secondsIn, textIn } from './columns.ts';

export const revocations = {
  /** The number of an event is that of the state after it: taken and written while no other transaction runs. */
  takeNumber: () => sql`UPDATE state SET seq = seq + 1`,
  insert: (event: { readonly kind: RevocationKind; readonly id: string; readonly exp: EpochSeconds }) =>
    sql`INSERT INTO revocations (seq, epoch, kind, ref, exp_seconds) SELECT seq, epoch, ${event.kind}, ${event.id}, ${event.exp} FROM state`,
  after: (seq: number, now: EpochMilliseconds, limit: number) =>
    sql`SELECT * FROM revocations WHERE seq > ${seq} AND exp_seconds > ${Math.floor(now / 1000)} ORDER BY seq LIMIT ${limit}`,
  of: (ref: string, now: EpochMilliseconds) =>
    sql`SELECT * FROM revocations WHERE ref = ${ref} AND exp_seconds > ${Math.floor(now / 1000)} ORDER BY seq LIMIT 100`,
  expire: (now: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM revocations WHERE seq IN (SELECT seq FROM revocations WHERE exp_seconds <= ${Math.floor(now / 1000)} LIMIT ${limit})`,
  model: (row: Row): RevocationEvent => ({
    epoch: numberIn(row, 'epoch'),
    seq: numberIn(row, 'seq'),
    kind: textIn(row, 'kind') as RevocationKind,
    id: textIn(row, 'ref'),
    exp: secondsIn(row, 'exp_seconds'),
  }),
};
