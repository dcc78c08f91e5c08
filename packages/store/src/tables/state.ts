import type { Moment } from '@latchkey/domain/ports/reader';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { numberIn } from './columns.ts';

/** The one row that says how far the log and the catalogue are. */
export const state = {
  read: () => sql`SELECT epoch, seq, catalogue FROM state`,
  insert: (epoch: number) =>
    sql`INSERT INTO state (id, epoch, seq, catalogue) VALUES (1, ${epoch}, 0, 0) ON CONFLICT DO NOTHING`,
  beginEpoch: (at: EpochMilliseconds) => sql`UPDATE state SET epoch = max(epoch + 1, ${Math.floor(at / 1000)})`,
  growCatalogue: () => sql`UPDATE state SET catalogue = catalogue + 1`,
  kekCheck: () => sql`SELECT kek_check FROM state`,
  setKekCheck: (check: Uint8Array) => sql`UPDATE state SET kek_check = ${check} WHERE kek_check IS NULL`,
  model: (row: Row, now: EpochMilliseconds): Moment => ({
    now,
    position: { epoch: numberIn(row, 'epoch'), seq: numberIn(row, 'seq') },
    catalogue: numberIn(row, 'catalogue'),
  }),
};
