import { type ParsedIdentifier, parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { decideRegister, loadRegister, type RegisterCommand } from '@latchkey/domain/accounts/register';
import { type CreateAccountError, createAccountPage } from '@latchkey/pages/create-account';
import { donePage } from '@latchkey/pages/done';
import { makeId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { cookieValueOf, LOGIN_COOKIE } from '../../../http/browser-cookies.ts';
import { pageResponse, themeOf, wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import {
  findLink,
  isLinkOffered,
  LINK_PATHS,
  linkFields,
  type PresentedLink,
  readLinkForm,
} from '../../../login/links.ts';
import { passwordErrorOf } from '../../../login/password-error.ts';
import { goOnSignedIn, prepareSignIn } from '../../../login/signed-in.ts';
import { findWaiting, formActionOf } from '../../../login/waiting.ts';
import { hashNewPassword } from '../../../prove/new-password.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../../server.ts';

const REGISTER = { path: LINK_PATHS.register, credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** Where a link to create an account leads. */
export const registerLinkForm: Endpoint = {
  ...REGISTER,
  method: 'GET',
  summary: 'The page that a link for a new account leads to. It changes nothing.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    if (!isLinkOffered('register', server)) return fail({ error: 'path_unknown' });
    const presented = await findLink('register', call, server);
    return presented.ok ? ok(await page(presented.value, {}, call, server)) : presented;
  },
};

/** A new account, by such a link. */
export const registerLink: Endpoint = {
  ...REGISTER,
  method: 'POST',
  summary: 'Creates the account and uses the link up; goes on with the sign-in if it waits in this browser.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    if (!isLinkOffered('register', server)) return fail({ error: 'path_unknown' });
    const sent = await readLinkForm('register', call, registerLink.bodyMax, server);
    if (!sent.ok) return sent;
    const { form, presented } = sent.value;
    const typed = (form.get('username') ?? '').slice(0, 4 * LIMITS.identifierMax + 1);
    const again = (refusal: Refusal, error: CreateAccountError) => {
      rememberRefusal(refusal, registerLink, call, server);
      return page(presented, { error, typed, status: 422 }, call, server);
    };
    const username = typed.trim() === '' ? undefined : parseIdentifier(typed);
    if (typed.trim() !== '' && username?.kind !== 'username')
      return ok(await again({ error: 'identifier_invalid' }, 'username_invalid'));
    const identifiers = [presented.link.address, username].flatMap((name) =>
      name === undefined ? [] : [name.display],
    );
    const phc = await hashNewPassword(form.get('password') ?? '', { accountId: undefined, identifiers }, server);
    if (!phc.ok) {
      const error = passwordErrorOf(phc.error.error);
      return error === undefined ? phc : ok(await again(phc.error, error));
    }
    const made = await create(presented, username, phc.value, call, server);
    return !made.ok && made.error.error === 'identifier_taken' ? ok(await again(made.error, 'username_taken')) : made;
  },
};

async function create(
  { link }: PresentedLink,
  username: ParsedIdentifier | undefined,
  phc: string,
  call: Call,
  server: Server,
): Promise<Answer> {
  const browser = cookieValueOf(call, LOGIN_COOKIE);
  const prepared = browser === undefined ? undefined : prepareSignIn(browser, call, server);
  const command: RegisterCommand = {
    hash: link.hash,
    id: makeId('acc', server.now(), server.entropy(10)),
    username,
    phc,
    signIn: prepared?.signIn,
  };
  const { outcome } = await server.commit(
    (read, moment) => loadRegister(read, command, moment),
    (facts, moment) => decideRegister(facts, command, moment),
  );
  if (!outcome.ok) return fail({ error: outcome.error });
  const { attemptId } = outcome.value;
  if (prepared !== undefined && attemptId !== undefined)
    return goOnSignedIn(attemptId, prepared, call, registerLink, server);
  return ok(
    pageResponse(donePage({ theme: themeOf(server), kind: 'register' }, wordsFor(call.request, server)), server),
  );
}

interface Shown {
  readonly error?: CreateAccountError;
  readonly typed?: string;
  readonly status?: number;
}

async function page(presented: PresentedLink, shown: Shown, call: Call, server: Server): Promise<Response> {
  const { error, typed, status = 200 } = shown;
  const { link } = presented;
  const waiting = await findWaiting(link.attemptId, call, server);
  const html = createAccountPage(
    {
      theme: themeOf(server),
      action: server.settings.issuer + REGISTER.path,
      hidden: linkFields(presented, server),
      address: link.address?.display ?? '',
      ...(typed === undefined ? {} : { username: typed }),
      ...(error === undefined ? {} : { error }),
    },
    wordsFor(call.request, server),
  );
  return pageResponse(html, server, { status, formAction: waiting.ok ? formActionOf(waiting.value) : [] });
}
