import { chooseAccountPage } from '@latchkey/pages/choose-account';
import { LIMITS } from '@latchkey/protocol/limits';
import { ok } from '@latchkey/protocol/result';
import { pageResponse, seeOther, themeOf, wordsFor } from '../../http/page.ts';
import { goOn, placeOf } from '../../login/go-on.ts';
import { findWaiting, formActionOf, hiddenOf, labelOf, localesOf, readWaitingForm } from '../../login/waiting.ts';
import type { Answer, Endpoint } from '../../server.ts';

const CHOOSE = { path: '/choose-account', credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** The page that asks with which account to go on. @spec OIDC Core §3.1.2.1 (`prompt=select_account`) */
export const chooseAccountForm: Endpoint = {
  ...CHOOSE,
  method: 'GET',
  summary: 'The page that asks with which account to go on.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const waiting = await findWaiting(call.url.searchParams.get('login') ?? undefined, call, server);
    if (!waiting.ok) return waiting;
    const { session, client } = waiting.value;
    const accounts = session === undefined ? [] : [{ value: session.id, label: await labelOf(session, server) }];
    const html = chooseAccountPage(
      {
        theme: themeOf(server),
        action: `${server.settings.issuer}/choose-account`,
        hidden: hiddenOf(waiting.value, server),
        accounts,
        ...(client === undefined ? {} : { clientName: client.name }),
      },
      wordsFor(call.request, server, localesOf(waiting.value)),
    );
    return ok(pageResponse(html, server, { formAction: formActionOf(waiting.value) }));
  },
};

/** What somebody chose there. */
export const chooseAccount: Endpoint = {
  ...CHOOSE,
  method: 'POST',
  summary: 'Goes on with the account that was chosen on that page.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const sent = await readWaitingForm(call, chooseAccount.bodyMax, server);
    if (!sent.ok) return sent;
    const { form, waiting } = sent.value;
    const { attempt, browser, session } = waiting;
    if (session === undefined || form.get('session') !== session.id)
      return ok(seeOther(`${placeOf('/signin', attempt, server)}&other=1`));
    const login = { waiting: { id: attempt.id, browser: browser.hash } };
    return goOn({ login, said: 'this_account', browser }, call, chooseAccount, server);
  },
};
