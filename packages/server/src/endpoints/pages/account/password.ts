import { type ChangePasswordError, passwordPage } from '@latchkey/pages/account/password';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { fail, ok } from '@latchkey/protocol/result';
import { mailLanguageOf, wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import { passwordErrorOf } from '../../../login/password-error.ts';
import { labelOf } from '../../../login/waiting.ts';
import type { SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../../server.ts';
import { changePassword } from '../../api/password.ts';
import { accountForm, accountPage, accountResponse, doneAt, partOf } from './account-endpoint.ts';

const PATH = '/account/password';

/** The page of the password. The present one is asked for, so that the session need not be fresh. */
export const accountPassword = accountPage({
  path: PATH,
  summary: 'The page on which the signed-in person changes the password.',
  needs: 'any_session',
  async answer(person, call, server): Promise<Answer> {
    return ok(await page(person, {}, call, server));
  },
});

/** Changes it. @spec ASVS 6.2.3 (PWD-15), 7.4.3 (SES-05) */
export const changeAccountPassword: Endpoint = accountForm({
  path: PATH,
  page: PATH,
  summary: 'Changes the password of the signed-in person; the other sessions end.',
  needs: 'any_session',
  async answer(form, person, call, server): Promise<Answer> {
    const { accountId, id: sessionId } = person.session;
    const asked = {
      current: form.get('current_password') ?? '',
      next: form.get('new_password') ?? '',
      language: mailLanguageOf(call.request, server),
    };
    const changed = await changePassword({ accountId, sessionId, commit: person.commit }, asked, server);
    return changed.ok ? doneAt('/account', 'password_changed', server) : refused(changed.error, person, call, server);
  },
});

const SHOWN: Readonly<Partial<Record<ErrorId, ChangePasswordError>>> = {
  password_current_wrong: 'wrong',
  // that a password is locked is told to nobody
  password_locked: 'wrong',
  account_throttled: 'throttled',
  rate_limited: 'throttled',
  overloaded: 'overloaded',
};

async function refused(refusal: Refusal, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const error = SHOWN[refusal.error] ?? passwordErrorOf(refusal.error);
  if (error === undefined) return fail(refusal);
  rememberRefusal(refusal, changeAccountPassword, call, server);
  const { status } = errorRow(error === 'wrong' ? 'password_current_wrong' : refusal.error);
  return ok(await page(person, { error, status, headers: refusal.headers ?? {} }, call, server));
}

interface Shown {
  readonly error?: ChangePasswordError;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

async function page(person: SignedIn, { error, ...more }: Shown, call: Call, server: Server): Promise<Response> {
  const html = passwordPage(
    {
      ...partOf(person, call, server),
      accountLabel: await labelOf(person.session, server),
      hasPassword: (await server.store.read.password(person.session.accountId)) !== undefined,
      ...(server.mail === undefined ? {} : { resetUrl: `${server.settings.issuer}/reset` }),
      ...(error === undefined ? {} : { error }),
    },
    wordsFor(call.request, server),
  );
  return accountResponse(html, server, more);
}
