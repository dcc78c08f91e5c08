import type { AuditEntry, AuditEvent, AuditRow } from '@latchkey/domain/audit';
import { type Row, sql } from '../sql.ts';
import { json, jsonIn, millisecondsIn, numberIn, textIn } from './columns.ts';

export const audit = {
  insert: (entry: AuditEntry, mac: string) =>
    sql`INSERT INTO audit (at, event, actor, subject, detail, mac) VALUES (${entry.at}, ${entry.event}, ${entry.actor}, ${json(entry.subject)}, ${json(entry.detail)}, ${mac})`,
  /** The row that was inserted last in this transaction is found again by each id that it is about. */
  insertSubject: (ref: string) => sql`INSERT INTO audit_subjects (ref, audit_id) SELECT ${ref}, max(id) FROM audit`,
  before: (number: number | undefined, limit: number) =>
    sql`SELECT * FROM audit WHERE id < ${number ?? Number.MAX_SAFE_INTEGER} ORDER BY id DESC LIMIT ${limit}`,
  of: (ref: string, limit: number) =>
    sql`SELECT a.* FROM audit_subjects s JOIN audit a ON a.id = s.audit_id WHERE s.ref = ${ref} ORDER BY s.audit_id DESC LIMIT ${limit}`,
  model: (row: Row): AuditRow => ({
    id: numberIn(row, 'id'),
    at: millisecondsIn(row, 'at'),
    event: textIn(row, 'event') as AuditEvent,
    actor: textIn(row, 'actor'),
    subject: jsonIn<AuditEntry['subject']>(row, 'subject'),
    detail: jsonIn<AuditEntry['detail']>(row, 'detail'),
    mac: textIn(row, 'mac'),
  }),
};
