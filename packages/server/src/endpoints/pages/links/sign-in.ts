import { decideSignInByLink, loadSignInByLink } from '@latchkey/domain/login/sign-in-by-link';
import { confirmLinkPage } from '@latchkey/pages/confirm-link';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { cookieValueOf, LOGIN_COOKIE } from '../../../http/browser-cookies.ts';
import { pageResponse, themeOf, wordsFor } from '../../../http/page.ts';
import { findLink, isLinkOffered, LINK_PATHS, linkFields, readLinkForm } from '../../../login/links.ts';
import { goOnSignedIn, prepareSignIn } from '../../../login/signed-in.ts';
import { findWaiting, formActionOf, localesOf } from '../../../login/waiting.ts';
import type { Answer, Endpoint } from '../../../server.ts';

const SIGN_IN = { path: LINK_PATHS.sign_in, credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** Where a link to sign in leads. */
export const signInLinkForm: Endpoint = {
  ...SIGN_IN,
  method: 'GET',
  summary: 'The page that a link to sign in leads to, in the browser that asked for it. It changes nothing.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    if (!isLinkOffered('sign_in', server)) return fail({ error: 'path_unknown' });
    const presented = await findLink('sign_in', call, server);
    if (!presented.ok) return presented;
    const { link } = presented.value;
    const waiting = await findWaiting(link.attemptId, call, server);
    if (!waiting.ok) return fail({ error: 'link_other_browser' });
    const html = confirmLinkPage(
      {
        theme: themeOf(server),
        kind: 'sign_in',
        action: server.settings.issuer + SIGN_IN.path,
        hidden: linkFields(presented.value, server),
        address: link.address?.display ?? '',
      },
      wordsFor(call.request, server, localesOf(waiting.value)),
    );
    return ok(pageResponse(html, server, { formAction: formActionOf(waiting.value) }));
  },
};

/** A sign-in, by such a link. @spec SP 800-63B-4 §3.1.3.1; RFC 9700 §4.7 */
export const signInByLink: Endpoint = {
  ...SIGN_IN,
  method: 'POST',
  summary: 'Signs in and uses the link up, in the browser that asked for it.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    if (!isLinkOffered('sign_in', server)) return fail({ error: 'path_unknown' });
    const sent = await readLinkForm('sign_in', call, signInByLink.bodyMax, server);
    if (!sent.ok) return sent;
    const browser = cookieValueOf(call, LOGIN_COOKIE);
    if (browser === undefined) return fail({ error: 'link_other_browser' });
    const prepared = prepareSignIn(browser, call, server);
    const command = { ...prepared.signIn, hash: sent.value.presented.link.hash };
    const { outcome } = await server.commit(
      (read, moment) => loadSignInByLink(read, command, moment),
      (facts, moment) => decideSignInByLink(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    return goOnSignedIn(outcome.value, prepared, call, signInByLink, server);
  },
};
