import { errorPage } from '@latchkey/pages/error';
import { bearerChallenge } from '@latchkey/protocol/bearer';
import { errorRow } from '@latchkey/protocol/errors';
import type { Call, Endpoint, Refusal, Server } from '../server.ts';
import { NO_STORE } from './headers.ts';
import { pageResponse, themeOf, wordsFor } from './page.ts';

/** Seconds after which a refusal for want of room may be tried again, when nothing better is known. */
const RETRY_AFTER = '1';

/**
 * Words a refusal as the endpoint's standard asks, and remembers it under the id that the answer tells.
 *
 * @spec RFC 6749 §5.2 (oauth), RFC 9457 (problem), RFC 6750 §3 (bearer)
 */
export function renderRefusal(refusal: Refusal, endpoint: Endpoint, call: Call, server: Server): Response {
  const row = errorRow(refusal.error);
  const errorId = rememberRefusal(refusal, endpoint, call, server);
  const detail = row.disclose
    ? [row.description, refusal.detail].filter((part) => part !== undefined).join(' ')
    : undefined;
  const headers: Record<string, string> = { ...NO_STORE, 'x-content-type-options': 'nosniff', ...refusal.headers };
  if (row.status === 503 || row.status === 429) headers['retry-after'] ??= RETRY_AFTER;
  if (endpoint.wording === 'page') return refusalPage(refusal, { errorId, detail, headers }, call, server);
  if (row.status === 401 && endpoint.wording === 'bearer')
    headers['www-authenticate'] = bearerChallenge(refusal.error, { realm: server.settings.issuer, errorId });
  if (row.code === 'invalid_client' && row.status === 401)
    headers['www-authenticate'] ??= `Basic realm="${server.settings.issuer}"`;
  const body =
    endpoint.wording === 'oauth'
      ? { error: row.code, ...(detail === undefined ? {} : { error_description: detail }), error_id: errorId }
      : {
          type: `${server.settings.issuer}/errors#${row.disclose ? refusal.error : row.code}`,
          title: row.code,
          status: row.status,
          ...(detail === undefined ? {} : { detail }),
          error: row.code,
          error_id: errorId,
        };
  headers['content-type'] = endpoint.wording === 'oauth' ? 'application/json' : 'application/problem+json';
  return new Response(JSON.stringify(body), { status: row.status, headers });
}

/** Notes a refusal in log, metrics and the ring of `token explain`. Returns the id under which it is found there. */
export function rememberRefusal(refusal: Refusal, endpoint: Endpoint, call: Call, server: Server): string {
  const where = `${endpoint.method} ${endpoint.path}`;
  const about = refusal.about ?? {};
  const errorId = server.refusals.remember({ error: refusal.error, at: server.now(), where, about });
  server.metrics.count('latchkey_refusals_total', { error: refusal.error });
  server.log.info('refused', {
    error: refusal.error,
    error_id: errorId,
    route: where,
    address: call.address,
    ...about,
  });
  return errorId;
}

/** What a person reads where there is no client to tell. */
function refusalPage(
  { error }: Refusal,
  told: {
    readonly errorId: string;
    readonly detail: string | undefined;
    readonly headers: Readonly<Record<string, string>>;
  },
  { request }: Call,
  server: Server,
): Response {
  const { code, description, status } = errorRow(error);
  const { errorId, detail = description, headers } = told;
  const html = errorPage({ theme: themeOf(server), message: detail, errorId, code }, wordsFor(request, server));
  // a page asks for no credentials of HTTP
  return pageResponse(html, server, { status: status === 401 ? 400 : status, headers });
}
