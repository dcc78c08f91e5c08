import { devMailPage } from '@latchkey/pages/dev-mail';
import { fail, ok } from '@latchkey/protocol/result';
import { pageResponse, themeOf, wordsFor } from '../../http/page.ts';
import type { Endpoint } from '../../server.ts';

/**
 * The mail that development mode caught. It holds links that sign people in, so it is shown on this machine only, under
 * the server's own name: a page of another site that resolves to this address does not see it.
 */
export const devMail: Endpoint = {
  method: 'GET',
  path: '/dev/mail',
  summary: 'The last mails that were not sent but caught, in development mode.',
  credentials: ['none'],
  wording: 'page',
  cors: 'none',
  bodyMax: 0,
  answer(call, server) {
    const { mailbox, settings } = server;
    if (mailbox === undefined || call.url.host !== new URL(settings.issuer).host)
      return Promise.resolve(fail({ error: 'path_unknown' }));
    const model = { theme: themeOf(server), issuer: settings.issuer, mails: mailbox.mails() };
    return Promise.resolve(ok(pageResponse(devMailPage(model, wordsFor(call.request, server)), server)));
  },
};
