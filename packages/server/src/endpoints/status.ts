import { statusPage } from '@latchkey/pages/status';
import { ok } from '@latchkey/protocol/result';
import { pageResponse, themeOf, wordsFor } from '../http/page.ts';
import type { Endpoint } from '../server.ts';

/** The page at `/`. */
export const status: Endpoint = {
  method: 'GET',
  path: '/',
  summary: 'A plain page that says that the server is there.',
  credentials: ['none'],
  wording: 'page',
  cors: 'none',
  bodyMax: 0,
  answer({ request }, server) {
    const { issuer, mode } = server.settings;
    const model = { issuer, isDevelopment: mode === 'development', theme: themeOf(server) };
    return Promise.resolve(ok(pageResponse(statusPage(model, wordsFor(request, server)), server)));
  },
};
