import { decideVerifyEmail, loadVerifyEmail } from '@latchkey/domain/accounts/verify-email';
import type { OneTimeLink } from '@latchkey/domain/login/one-time-link';
import { confirmLinkPage } from '@latchkey/pages/confirm-link';
import { donePage } from '@latchkey/pages/done';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { pageResponse, themeOf, wordsFor } from '../../../http/page.ts';
import { findLink, LINK_PATHS, linkFields, readLinkForm } from '../../../login/links.ts';
import { proveSignedIn, type SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../../server.ts';

const VERIFY = { path: LINK_PATHS.verify_email, credentials: ['none'], wording: 'page', cors: 'none' } as const;

/** Where a link to verify an address leads. */
export const verifyLinkForm: Endpoint = {
  ...VERIFY,
  method: 'GET',
  summary: 'The page that a link to verify an address leads to. It changes nothing.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const presented = await findLink('verify_email', call, server);
    if (!presented.ok) return presented;
    const person = await ownerOf(presented.value.link, call, server);
    if (!person.ok) return person;
    const html = confirmLinkPage(
      {
        theme: themeOf(server),
        kind: 'verify_email',
        action: server.settings.issuer + VERIFY.path,
        hidden: linkFields(presented.value, server),
        address: presented.value.link.address?.display ?? '',
      },
      wordsFor(call.request, server),
    );
    return ok(pageResponse(html, server, { formAction: [] }));
  },
};

/**
 * Who opens a link must be signed in to the account that asked for it. Else an address that was mistyped would give the
 * account to its reader, and one click of a stranger would put their mailbox on somebody's account.
 *
 * @returns `link_other_account`
 */
async function ownerOf({ accountId }: OneTimeLink, call: Call, server: Server): Promise<Result<SignedIn, Refusal>> {
  const person = await proveSignedIn(undefined, call, server);
  return person !== undefined && person.session.accountId === accountId
    ? ok(person)
    : fail({ error: 'link_other_account' });
}

/** An address that its owner says is theirs, by such a link, signed in to the account that it is to belong to. */
export const verifyLink: Endpoint = {
  ...VERIFY,
  method: 'POST',
  summary: 'Verifies the address, or adds it to the account, and uses the link up.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const sent = await readLinkForm('verify_email', call, verifyLink.bodyMax, server);
    if (!sent.ok) return sent;
    const person = await ownerOf(sent.value.presented.link, call, server);
    if (!person.ok) return person;
    const words = wordsFor(call.request, server);
    const command = { hash: sent.value.presented.link.hash, language: words.language };
    const { outcome } = await person.value.commit(
      (read) => loadVerifyEmail(read, command),
      (facts, moment) => decideVerifyEmail(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    return ok(pageResponse(donePage({ theme: themeOf(server), kind: 'verify_email' }, words), server));
  },
};
