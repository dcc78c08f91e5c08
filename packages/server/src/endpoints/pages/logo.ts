import { fail, ok } from '@latchkey/protocol/result';
import { LOGO_PATH } from '../../appearance/appearance.ts';
import type { Endpoint } from '../../server.ts';

/** A page asks for it under a new address when it has changed. */
const KEPT_SECONDS = 86_400;

/**
 * The logo of the pages. An SVG can hold a script and links: in an `<img>` they do nothing, and whoever opens it by itself
 * gets it in a sandbox, where they do nothing either.
 *
 * @spec ASVS 3.4.3, 3.2.1 (HDR-01)
 */
export const logo: Endpoint = {
  method: 'GET',
  path: LOGO_PATH,
  summary: 'The logo of the pages, where one is set.',
  credentials: ['none'],
  wording: 'problem',
  cors: 'none',
  bodyMax: 0,
  answer(_call, { appearance }) {
    if (appearance.logo === undefined) return Promise.resolve(fail({ error: 'not_found' }));
    const { bytes, contentType } = appearance.logo;
    const headers = {
      'content-type': contentType,
      'cache-control': `public, max-age=${KEPT_SECONDS}`,
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    };
    return Promise.resolve(ok(new Response(bytes, { headers })));
  },
};
