import { decideEndSession, loadEndSession } from '@latchkey/domain/administration/end-session';
import type { SessionSummary } from '@latchkey/domain/login/session';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok } from '@latchkey/protocol/result';
import { milliseconds } from '@latchkey/protocol/types';
import { z } from 'zod';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { time, timeOf } from './views.ts';

const SESSION_VIEW = z.object({
  id: z.string(),
  account: z.string(),
  created_at: time,
  authenticated_at: time,
  last_seen_at: time,
  expires_at: time,
  amr: z.array(z.string()),
  acr: z.string().optional().describe('The level of assurance that the sign-in reached.'),
  address: z.string().optional(),
  user_agent: z.string().optional(),
});
const sessionView = (session: SessionSummary) => ({
  id: session.id,
  account: session.accountId,
  created_at: timeOf(session.createdAt),
  authenticated_at: timeOf(milliseconds(session.authTime)),
  last_seen_at: timeOf(session.lastSeenAt),
  expires_at: timeOf(session.expiresAt),
  amr: [...session.amr],
  ...(session.acr === undefined ? {} : { acr: session.acr }),
  ...(session.address === undefined ? {} : { address: session.address }),
  ...(session.userAgent === undefined ? {} : { user_agent: session.userAgent }),
});

const listSessions = adminEndpoint({
  method: 'GET',
  path: '/accounts/:id/sessions',
  summary: 'Lists the live sessions of an account, oldest first.',
  scope: 'sessions:read',
  success: { status: 200, schema: z.object({ items: z.array(SESSION_VIEW) }) },
  async answer({ params, server }) {
    const id = parseId('acc', params.id ?? '');
    if (id === undefined || (await server.store.read.account(id)) === undefined) return fail({ error: 'not_found' });
    const { now } = await server.store.read.moment();
    return ok({ items: (await server.store.read.liveSessions(id, now)).map(sessionView) });
  },
});

const endSession = adminEndpoint({
  method: 'DELETE',
  path: '/sessions/:id',
  summary: 'Ends a session, and every token that was issued in it. One that is over already stays so.',
  scope: 'sessions:write',
  success: { status: 204 },
  async answer({ params, administrator, server }) {
    const id = parseId('ses', params.id ?? '');
    if (id === undefined) return fail({ error: 'session_unknown' });
    const command = { administrator, id };
    const { outcome } = await server.commit(
      (read) => loadEndSession(read, command),
      (session, moment) => decideEndSession(session, command, moment),
    );
    return outcome.ok ? ok(undefined) : fail({ error: outcome.error, about: { session: id } });
  },
});

export const SESSION_ROUTES: readonly AdminEndpoint[] = [listSessions, endSession];
