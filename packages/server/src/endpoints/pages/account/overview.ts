import { loadSessionEnds } from '@latchkey/domain/login/end-sessions';
import { decideSignOut } from '@latchkey/domain/login/sign-out';
import { accountPage as overviewPage } from '@latchkey/pages/account/overview';
import { fail, ok } from '@latchkey/protocol/result';
import { clearedSessionCookie } from '../../../http/browser-cookies.ts';
import { withCookies } from '../../../http/cookies.ts';
import { seeOther, wordsFor } from '../../../http/page.ts';
import { labelOf } from '../../../login/waiting.ts';
import type { Answer, Server } from '../../../server.ts';
import { accountForm, accountPage, accountResponse, partOf } from './account-endpoint.ts';
import { concernsApiKeys } from './api-keys.ts';
import { connectedClients } from './applications.ts';

/** The first page of one's own account. */
export const accountOverview = accountPage({
  path: '/account',
  summary: "The first page of the signed-in person's own account.",
  needs: 'any_session',
  async answer(person, call, server): Promise<Answer> {
    const { read } = server.store;
    const { accountId } = person.session;
    const { now } = await read.moment();
    const html = overviewPage(
      {
        ...partOf(person, call, server),
        accountLabel: await labelOf(person.session, server),
        sessions: (await read.liveSessions(accountId, now)).length,
        hasApiKeys: await concernsApiKeys(person, server),
        applications: (await connectedClients(accountId, server)).length,
      },
      wordsFor(call.request, server),
    );
    return ok(accountResponse(html, server));
  },
});

/** Signs out there. Whoever wants an end to a session need not be fresh. */
export const accountSignOut = accountForm({
  path: '/account/sign-out',
  page: '/account',
  summary: 'Ends the session of the browser.',
  needs: 'any_session',
  async answer(_, person, __, server): Promise<Answer> {
    const { outcome } = await person.commit(
      (read) => loadSessionEnds(read, person.session.id),
      (ends, moment) => decideSignOut(ends, moment),
    );
    return outcome.ok ? ok(signedOutHere(server)) : fail({ error: outcome.error });
  },
});

/** The cookie goes, and the browser goes to the page that says so: the one of a logout with nobody signed in. */
export const signedOutHere = (server: Server): Response =>
  withCookies(seeOther(`${server.settings.issuer}/oauth/logout`), [clearedSessionCookie]);
