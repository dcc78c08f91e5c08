import type { AccountPart, Notice } from '@latchkey/pages/account/part';
import { NOTICES } from '@latchkey/pages/account/part';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok } from '@latchkey/protocol/result';
import { readForm } from '../../../http/body.ts';
import { checkForm, FORM_TOKEN, formToken, isFromOwnPage } from '../../../http/form-guard.ts';
import { pageResponse, seeOther, themeOf } from '../../../http/page.ts';
import { signInTo } from '../../../login/begin.ts';
import { proveSignedIn, type SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Call, Endpoint, Server } from '../../../server.ts';

/** A page of one's own account. */
type AccountPath = '/account' | `/account/${string}`;

/** Whether any live session will do, or one whose person proved lately who they are. @spec ASVS 7.5.1 (SES-06) */
type Needs = 'any_session' | 'fresh_session';

const maxAgeOf = (needs: Needs): number | undefined =>
  needs === 'fresh_session' ? DURATIONS.freshAuthentication : undefined;

const OWN = { credentials: ['session_cookie'], wording: 'page', cors: 'none' } as const;

/** What a page of the account is, beside what all of them have in common. */
export interface AccountPage {
  readonly path: AccountPath;
  readonly summary: string;
  readonly needs: Needs;
  answer(person: SignedIn, call: Call, server: Server): Promise<Answer>;
}

/** Makes the endpoint of a page: whoever is not signed in, or not lately enough, signs in first and comes back. */
export function accountPage({ path, summary, needs, answer }: AccountPage): Endpoint {
  const maxAge = maxAgeOf(needs);
  const endpoint: Endpoint = {
    ...OWN,
    method: 'GET',
    path,
    summary,
    bodyMax: 0,
    async answer(call, server) {
      const person = await proveSignedIn(maxAge, call, server);
      if (person === undefined || !person.isIn(maxAge)) return signInTo({ path, maxAge }, call, endpoint, server);
      await person.see();
      return answer(person, call, server);
    },
  };
  return endpoint;
}

/** What a form of the account does, and on which page it stands. */
export interface AccountForm extends Omit<AccountPage, 'answer'> {
  readonly page: AccountPath;
  answer(form: Parameters, person: SignedIn, call: Call, server: Server): Promise<Answer>;
}

/** The refusals that a person mends by signing in. */
const SIGN_IN_FIRST = ['login_required', 'authentication_too_old'];

/**
 * Makes the endpoint of a form. It must come from the page and be of this session; whoever is not signed in any more, or
 * not lately enough, is sent to sign in and back to the page, and what the form asked for is not done.
 */
export function accountForm({ path, page, summary, needs, answer }: AccountForm): Endpoint {
  const maxAge = maxAgeOf(needs);
  const endpoint: Endpoint = {
    ...OWN,
    method: 'POST',
    path,
    summary,
    bodyMax: LIMITS.bodyBytesMax,
    async answer(call, server) {
      const form = await readForm(call.request, endpoint.bodyMax);
      if (!form.ok) return form;
      if (!isFromOwnPage(call, server)) return fail({ error: 'form_refused' });
      const person = await proveSignedIn(maxAge, call, server);
      if (person === undefined) return signInTo({ path: page, maxAge }, call, endpoint, server);
      const guarded = checkForm(call, form.value, boundOf(person), server);
      if (!guarded.ok) return guarded;
      if (!person.isIn(maxAge)) return signInTo({ path: page, maxAge }, call, endpoint, server);
      const answered = await answer(form.value, person, call, server);
      if (answered.ok || !SIGN_IN_FIRST.includes(answered.error.error)) return answered;
      return signInTo({ path: page, maxAge }, call, endpoint, server);
    },
  };
  return endpoint;
}

/** The forms of a session belong to it, and to no other. @spec OWASP CSRF (CSRF-02) */
const boundOf = ({ session }: SignedIn): readonly string[] => ['account', session.id];

/** What all pages of the account have. */
export function partOf(person: SignedIn, call: Call, server: Server): AccountPart {
  const asked = call.url.searchParams.get('notice');
  const notice = NOTICES.find((one) => one === asked);
  return {
    theme: themeOf(server),
    home: `${server.settings.issuer}/account`,
    hidden: { [FORM_TOKEN]: formToken(server, boundOf(person)) },
    ...(notice === undefined ? {} : { notice }),
  };
}

/** Answers with a page of the account; its forms end at this server. */
export const accountResponse = (
  html: string,
  server: Server,
  more: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response => pageResponse(html, server, { ...more, formAction: [] });

/** Goes back to a page after a change, which then says what was done. */
export const doneAt = (page: AccountPath, notice: Notice, server: Server): Answer =>
  ok(seeOther(`${server.settings.issuer}${page}?notice=${notice}`));
