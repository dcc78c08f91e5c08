import type { Page } from '@latchkey/domain/ports/reader';
import type { StatusListRow } from '@latchkey/domain/tokens/status-list-row';
import type { StatusPlace } from '@latchkey/domain/tokens/token-record';
import { type Row, sql } from '../sql.ts';
import { numberIn } from './columns.ts';

/**
 * Status lists, and the indexes that were taken of them: they stay when their tokens have expired, for as long as the
 * list does, so that no index names two tokens.
 */
export const statusLists = {
  newest: () => sql`SELECT * FROM status_lists ORDER BY number DESC LIMIT 1`,
  page: ({ after, limit }: Page<number>) =>
    sql`SELECT * FROM status_lists WHERE number > ${after ?? -1} ORDER BY number LIMIT ${limit}`,
  index: ({ list, index }: StatusPlace) => sql`SELECT idx FROM status_indexes WHERE list = ${list} AND idx = ${index}`,
  take: ({ list }: StatusPlace) =>
    sql`INSERT INTO status_lists (number, taken) VALUES (${list}, 1) ON CONFLICT (number) DO UPDATE SET taken = status_lists.taken + 1`,
  takeIndex: ({ list, index }: StatusPlace) =>
    sql`INSERT INTO status_indexes (list, idx) VALUES (${list}, ${index}) ON CONFLICT DO NOTHING`,
  expire: (limit: number) =>
    sql`DELETE FROM status_lists WHERE number IN (SELECT number FROM status_lists AS old WHERE number < (SELECT MAX(number) FROM status_lists) AND NOT EXISTS (SELECT 1 FROM token_records WHERE status_list = old.number) LIMIT ${limit})`,
  expireIndexes: (limit: number) =>
    sql`DELETE FROM status_indexes WHERE (list, idx) IN (SELECT list, idx FROM status_indexes WHERE list < (SELECT MIN(number) FROM status_lists) LIMIT ${limit})`,
  model: (row: Row): StatusListRow => ({ number: numberIn(row, 'number'), taken: numberIn(row, 'taken') }),
};
