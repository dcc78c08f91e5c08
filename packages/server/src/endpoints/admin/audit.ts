import { AUDIT_EVENTS, type AuditRow } from '@latchkey/domain/audit';
import { LIMITS } from '@latchkey/protocol/limits';
import { ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { PAGE, time, timeOf } from './views.ts';

const AUDIT_VIEW = z.object({
  id: z.number(),
  at: time,
  event: z.enum(AUDIT_EVENTS),
  actor: z.string().describe('An account or client by its id, or server.'),
  subject: z.record(z.string(), z.string()).describe('What it happened to: ids by their kind.'),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
const auditView = ({ id, at, event, actor, subject, detail }: AuditRow) => ({
  id,
  at: timeOf(at),
  event,
  actor,
  subject: { ...subject },
  detail: { ...detail },
});

const listAudit = adminEndpoint({
  method: 'GET',
  path: '/audit',
  summary: 'Lists the audit log, newest first; with `about`, only what names this id.',
  scope: 'audit:read',
  query: z.strictObject({
    before: z.coerce.number().int().min(1).optional().describe('Only rows with a smaller number.'),
    about: z.string().min(1).max(LIMITS.nameMax).optional().describe('The newest rows that name this id.'),
    ...PAGE,
  }),
  success: { status: 200, schema: z.object({ items: z.array(AUDIT_VIEW), next: z.number().optional() }) },
  async answer({ query: { before, about, limit }, server }) {
    const { read } = server.store;
    if (about !== undefined) return ok({ items: (await read.auditOf(about, limit)).map(auditView) });
    const rows = await read.audit(before, limit);
    const last = rows.at(-1);
    const next = last === undefined || rows.length < limit ? {} : { next: last.id };
    return ok({ items: rows.map(auditView), ...next });
  },
});

export const AUDIT_ROUTES: readonly AdminEndpoint[] = [listAudit];
