import { decideResetPassword, loadResetPassword } from '@latchkey/domain/accounts/reset-password';
import { donePage } from '@latchkey/pages/done';
import { newPasswordPage } from '@latchkey/pages/new-password';
import type { PasswordError } from '@latchkey/pages/password-field';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { pageResponse, seeOther, themeOf, wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import { placeOf } from '../../../login/go-on.ts';
import { findLink, LINK_PATHS, linkFields, type PresentedLink, readLinkForm } from '../../../login/links.ts';
import { passwordErrorOf } from '../../../login/password-error.ts';
import { findWaiting } from '../../../login/waiting.ts';
import { hashNewPassword } from '../../../prove/new-password.ts';
import type { Answer, Call, Endpoint, Server } from '../../../server.ts';

const RESET = { path: LINK_PATHS.reset_password, credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** Where a link to set a new password leads. */
export const resetLinkForm: Endpoint = {
  ...RESET,
  method: 'GET',
  summary: 'The page that a link for a new password leads to. It changes nothing.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const presented = await findLink('reset_password', call, server);
    return presented.ok ? ok(page(presented.value, {}, call, server)) : presented;
  },
};

/** A new password, by such a link. @spec SP 800-63B-4 §4.2; ASVS 6.4.3 (PWD-13, PWD-14) */
export const resetLink: Endpoint = {
  ...RESET,
  method: 'POST',
  summary: 'Sets the new password and uses the link up; every session of the account ends.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const sent = await readLinkForm('reset_password', call, resetLink.bodyMax, server);
    if (!sent.ok) return sent;
    const { form, presented } = sent.value;
    const { link } = presented;
    const names = link.accountId === undefined ? [] : await server.store.read.identifiers(link.accountId);
    const owner = { accountId: link.accountId, identifiers: names.map(({ display }) => display) };
    const phc = await hashNewPassword(form.get('password') ?? '', owner, server);
    if (!phc.ok) {
      const error = passwordErrorOf(phc.error.error);
      if (error === undefined) return phc;
      rememberRefusal(phc.error, resetLink, call, server);
      return ok(page(presented, { error, status: 422 }, call, server));
    }
    const command = { hash: link.hash, phc: phc.value, language: wordsFor(call.request, server).language };
    const { outcome } = await server.commit(
      (read, moment) => loadResetPassword(read, command, moment),
      (facts, moment) => decideResetPassword(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    const waiting = await findWaiting(outcome.value, call, server);
    if (waiting.ok) return ok(seeOther(placeOf('/signin', waiting.value.attempt, server)));
    const done = donePage({ theme: themeOf(server), kind: 'reset_password' }, wordsFor(call.request, server));
    return ok(pageResponse(done, server));
  },
};

interface Shown {
  readonly error?: PasswordError;
  readonly status?: number;
}

function page(presented: PresentedLink, { error, status = 200 }: Shown, call: Call, server: Server): Response {
  const html = newPasswordPage(
    {
      theme: themeOf(server),
      action: server.settings.issuer + RESET.path,
      hidden: linkFields(presented, server),
      address: presented.link.address?.display ?? '',
      ...(error === undefined ? {} : { error }),
    },
    wordsFor(call.request, server),
  );
  return pageResponse(html, server, { status, formAction: [] });
}
