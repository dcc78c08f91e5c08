import {
  decideEndAllSessions,
  decideEndOtherSessions,
  decideEndOwnSession,
  loadAccountEnds,
  loadSessionEnds,
} from '@latchkey/domain/login/end-sessions';
import type { SessionSummary } from '@latchkey/domain/login/session';
import { type SessionRow, sessionsPage } from '@latchkey/pages/account/sessions';
import { parseId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import type { EpochMilliseconds, SessionId } from '@latchkey/protocol/types';
import { wordsFor } from '../../../http/page.ts';
import { signInTo } from '../../../login/begin.ts';
import type { SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Endpoint, Server } from '../../../server.ts';
import { accountForm, accountPage, accountResponse, doneAt, partOf } from './account-endpoint.ts';
import { signedOutHere } from './overview.ts';

const PATH = '/account/sessions';

/** Where one is signed in. Whoever has not proved lately who they are sees it, and is asked before they end anything. */
export const accountSessions: Endpoint = accountPage({
  path: PATH,
  summary: 'The page that says where the signed-in person is signed in.',
  needs: 'any_session',
  async answer(person, call, server): Promise<Answer> {
    const canEnd = person.isIn(DURATIONS.freshAuthentication);
    if (!canEnd && call.url.searchParams.has('confirm'))
      return signInTo({ path: PATH, maxAge: DURATIONS.freshAuthentication }, call, accountSessions, server);
    const { now } = await server.store.read.moment();
    const sessions = await server.store.read.liveSessions(person.session.accountId, now);
    const rowOf = async (session: SessionSummary): Promise<SessionRow> => ({
      id: session.id,
      isCurrent: session.id === person.session.id,
      userAgent: session.userAgent,
      address: session.address,
      since: session.createdAt,
      lastSeen: session.lastSeenAt,
      applications: await applicationsIn(session.id, now, server.store),
    });
    const html = sessionsPage(
      { ...partOf(person, call, server), sessions: inOrder(await Promise.all(sessions.map(rowOf))), canEnd },
      wordsFor(call.request, server),
    );
    return ok(accountResponse(html, server));
  },
});

/** This one first, then those that were seen last. */
const inOrder = (rows: readonly SessionRow[]): readonly SessionRow[] =>
  [...rows].sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || b.lastSeen - a.lastSeen);

/** The names of the clients that a session signed in to, and that can still use it. */
async function applicationsIn(session: SessionId, now: EpochMilliseconds, { read }: Server['store']) {
  const families = await read.familiesOfSession(session);
  const live = families.filter(({ ended, expiresAt }) => ended === undefined && now < expiresAt);
  const clients = await Promise.all(live.map(({ clientId }) => read.client(clientId)));
  return clients.flatMap((client) => (client === undefined || client.deletedAt !== undefined ? [] : [client.name]));
}

/** Ends one of them, all others, or all. @spec ASVS 7.5.2 (SES-06: a fresh authentication to end any) */
export const endAccountSessions = accountForm({
  path: PATH,
  page: PATH,
  summary: 'Ends one session of the signed-in person, all others, or all.',
  needs: 'fresh_session',
  answer(form, person, _, server): Promise<Answer> {
    const end = form.get('end');
    if (end === 'all') return endAll(person, server);
    if (end === 'others') return endOthers(person, server);
    return endOne(parseId('ses', end ?? ''), person, server);
  },
});

async function endAll(person: SignedIn, server: Server): Promise<Answer> {
  const { accountId } = person.session;
  const { outcome } = await person.commit(
    (read, moment) => loadAccountEnds(read, accountId, moment),
    (ends, moment) => decideEndAllSessions(ends, accountId, moment),
  );
  return outcome.ok ? ok(signedOutHere(server)) : fail({ error: outcome.error });
}

async function endOthers(person: SignedIn, server: Server): Promise<Answer> {
  const { accountId, id } = person.session;
  const { outcome } = await person.commit(
    (read, moment) => loadAccountEnds(read, accountId, moment),
    (ends, moment) => decideEndOtherSessions(ends, accountId, id, moment),
  );
  return outcome.ok ? doneAt(PATH, 'others_ended', server) : fail({ error: outcome.error });
}

async function endOne(id: SessionId | undefined, person: SignedIn, server: Server): Promise<Answer> {
  if (id === undefined) return doneAt(PATH, 'gone', server);
  const { accountId } = person.session;
  const { outcome } = await person.commit(
    (read) => loadSessionEnds(read, id),
    (ends, moment) => decideEndOwnSession(ends, accountId, moment),
  );
  // that it is over already, or somebody else's, is one answer
  if (!outcome.ok)
    return outcome.error === 'session_unknown' ? doneAt(PATH, 'gone', server) : fail({ error: outcome.error });
  return id === person.session.id ? ok(signedOutHere(server)) : doneAt(PATH, 'session_ended', server);
}
