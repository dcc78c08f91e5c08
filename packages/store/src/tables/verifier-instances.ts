import type { VerifierInstance } from '@latchkey/domain/api-keys/verifier-instance';
import type { EpochMilliseconds, ResourceId } from '@latchkey/protocol/types';
import { type Row, sql } from '../sql.ts';
import { id, idIn, json, jsonIn, millisecondsIn, numberIn, textIn } from './columns.ts';

export const verifierInstances = {
  byName: (instance: string) => sql`SELECT * FROM verifier_instances WHERE instance = ${instance}`,
  ofResource: (resource: ResourceId) =>
    sql`SELECT count(*) AS instances FROM verifier_instances WHERE resource_id = ${id(resource)}`,
  /** A name stays with its resource, and a number is told once. */
  report: ({ instance, resourceId, number, answer, seenAt }: VerifierInstance) =>
    sql`INSERT INTO verifier_instances (instance, resource_id, number, answer, seen_at) VALUES (${instance}, ${id(resourceId)}, ${number}, ${json(answer)}, ${seenAt}) ON CONFLICT (instance) DO UPDATE SET number = excluded.number, answer = excluded.answer, seen_at = excluded.seen_at WHERE resource_id = excluded.resource_id AND number < excluded.number`,
  expire: (before: EpochMilliseconds, limit: number) =>
    sql`DELETE FROM verifier_instances WHERE instance IN (SELECT instance FROM verifier_instances WHERE seen_at < ${before} LIMIT ${limit})`,
  count: (row: Row): number => numberIn(row, 'instances'),
  model: (row: Row): VerifierInstance => ({
    instance: textIn(row, 'instance'),
    resourceId: idIn(row, 'resource_id', 'res'),
    number: numberIn(row, 'number'),
    answer: jsonIn<VerifierInstance['answer']>(row, 'answer'),
    seenAt: millisecondsIn(row, 'seen_at'),
  }),
};
