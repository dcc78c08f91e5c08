import type { OutboxMessage, OutboxRow } from '@latchkey/domain/write';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { json, jsonIn, millisecondsIn, numberIn, textIn } from './columns.ts';

export const outbox = {
  due: (now: EpochMilliseconds, limit: number) =>
    sql`SELECT * FROM outbox WHERE due_at <= ${now} ORDER BY due_at, id LIMIT ${limit}`,
  insert: (message: OutboxMessage) =>
    sql`INSERT INTO outbox (topic, body, created_at, due_at, attempts) VALUES (${message.topic}, ${json(message.body)}, ${message.at}, ${message.at}, 0)`,
  remove: (number: number) => sql`DELETE FROM outbox WHERE id = ${number}`,
  retry: (number: number, at: EpochMilliseconds) =>
    sql`UPDATE outbox SET due_at = ${at}, attempts = attempts + 1 WHERE id = ${number}`,
  postpone: (number: number, at: EpochMilliseconds) => sql`UPDATE outbox SET due_at = ${at} WHERE id = ${number}`,
  model: (row: Row): OutboxRow => ({
    id: numberIn(row, 'id'),
    topic: textIn(row, 'topic'),
    body: jsonIn<OutboxMessage['body']>(row, 'body'),
    at: millisecondsIn(row, 'created_at'),
    attempts: numberIn(row, 'attempts'),
  }),
};
