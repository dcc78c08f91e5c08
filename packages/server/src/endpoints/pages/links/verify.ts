import { decideVerifyEmail, loadVerifyEmail } from '@latchkey/domain/accounts/verify-email';
import { confirmLinkPage } from '@latchkey/pages/confirm-link';
import { donePage } from '@latchkey/pages/done';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { pageResponse, themeOf, wordsFor } from '../../../http/page.ts';
import { findLink, LINK_PATHS, linkFields, readLinkForm } from '../../../login/links.ts';
import type { Answer, Endpoint } from '../../../server.ts';

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

/** An address that its owner says is theirs, by such a link. Nobody has to be signed in for it. */
export const verifyLink: Endpoint = {
  ...VERIFY,
  method: 'POST',
  summary: 'Verifies the address, or adds it to the account, and uses the link up.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const sent = await readLinkForm('verify_email', call, verifyLink.bodyMax, server);
    if (!sent.ok) return sent;
    const words = wordsFor(call.request, server);
    const command = { hash: sent.value.presented.link.hash, language: words.language };
    const { outcome } = await server.commit(
      (read) => loadVerifyEmail(read, command),
      (facts, moment) => decideVerifyEmail(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    return ok(pageResponse(donePage({ theme: themeOf(server), kind: 'verify_email' }, words), server));
  },
};
