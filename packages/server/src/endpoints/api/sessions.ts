import {
  decideEndAllSessions,
  decideEndOwnSession,
  loadAccountEnds,
  loadSessionEnds,
} from '@latchkey/domain/login/end-sessions';
import type { SessionSummary } from '@latchkey/domain/login/session';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok } from '@latchkey/protocol/result';
import type { SessionId } from '@latchkey/protocol/types';
import { clearedCookies, withCookies } from '../../http/cookies.ts';
import { empty, json } from '../../http/headers.ts';
import { proveOwner } from '../../prove/owner.ts';
import type { Answer, Endpoint } from '../../server.ts';

const OWN = {
  credentials: ['access_token_issuer', 'refresh_cookie'],
  wording: 'bearer',
  cors: 'first_party',
  bodyMax: 0,
} as const;

const viewOf = (session: SessionSummary, current: SessionId | undefined) => ({
  id: session.id,
  current: session.id === current,
  created_at: Math.floor(session.createdAt / 1000),
  last_seen_at: Math.floor(session.lastSeenAt / 1000),
  expires_at: Math.floor(session.expiresAt / 1000),
  amr: session.amr,
  ...(session.address === undefined ? {} : { address: session.address }),
  ...(session.userAgent === undefined ? {} : { user_agent: session.userAgent }),
});

/** Where one is signed in. */
export const listSessions: Endpoint = {
  ...OWN,
  method: 'GET',
  path: '/api/sessions',
  summary: 'The live sessions of the account that is signed in.',
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const { now } = await server.store.read.moment();
    const sessions = await server.store.read.liveSessions(owner.value.accountId, now);
    return ok(json({ sessions: sessions.map((session) => viewOf(session, owner.value.sessionId)) }));
  },
};

/** Ends one of one's own sessions. */
export const endOwnSession: Endpoint = {
  ...OWN,
  method: 'DELETE',
  path: '/api/sessions/:id',
  summary: 'Ends one session of the account that is signed in.',
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const { accountId } = owner.value;
    const id = parseId('ses', call.params.id ?? '');
    if (id === undefined) return fail({ error: 'session_unknown' });
    const { outcome } = await owner.value.commit(
      (read) => loadSessionEnds(read, id),
      (ends, moment) => decideEndOwnSession(ends, accountId, moment),
    );
    return outcome.ok ? ok(empty()) : fail({ error: outcome.error, about: { account: accountId } });
  },
};

/** Ends all of one's sessions, this one too. */
export const endSessions: Endpoint = {
  ...OWN,
  method: 'DELETE',
  path: '/api/sessions',
  summary: 'Ends all sessions and offline families of the account that is signed in.',
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const { accountId } = owner.value;
    const { outcome } = await owner.value.commit(
      (read, moment) => loadAccountEnds(read, accountId, moment),
      (ends, moment) => decideEndAllSessions(ends, accountId, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    const answer = json({ ended: outcome.value });
    return ok(call.request.headers.has('cookie') ? withCookies(answer, clearedCookies()) : answer);
  },
};
