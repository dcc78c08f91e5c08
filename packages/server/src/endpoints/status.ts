import { createHash } from 'node:crypto';
import { STYLE } from '@latchkey/pages/layout';
import { statusPage } from '@latchkey/pages/status';
import { ok } from '@latchkey/protocol/result';
import type { Endpoint } from '../server.ts';

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Only https may say so. @spec RFC 6797 §7.2 */
const HTTPS_ONLY = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };

/** The page at `/`. */
export const status: Endpoint = {
  method: 'GET',
  path: '/',
  summary: 'A plain page that says that the server is there.',
  credentials: ['none'],
  wording: 'problem',
  cors: 'none',
  bodyMax: 0,
  answer(_call, { settings }) {
    const page = statusPage({ issuer: settings.issuer, isDevelopment: settings.mode === 'development' });
    const headers = {
      ...(settings.issuer.startsWith('https:') ? HTTPS_ONLY : {}),
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
    };
    return Promise.resolve(ok(new Response(page, { headers })));
  },
};
