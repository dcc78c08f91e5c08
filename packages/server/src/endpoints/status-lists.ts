import { hash } from 'node:crypto';
import { statusListUri } from '@latchkey/domain/tokens/status-place';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import type { Answer, Call, Endpoint } from '../server.ts';

const OPEN = { method: 'GET', credentials: ['none'], wording: 'problem', cors: 'any', bodyMax: 0 } as const;

/**
 * A status list, for everybody: what it tells of a token is told to who has the token. What a list said at another time
 * is not kept.
 *
 * @spec TSL draft-21 §8.1, §8.4
 */
export const statusList: Endpoint = {
  ...OPEN,
  path: '/status-lists/:number',
  summary: 'A Token Status List: which access tokens were revoked, for verifiers that do not follow the feed.',
  async answer({ request, url, params }: Call, server): Promise<Answer> {
    if (url.searchParams.has('time')) return fail({ error: 'status_time_unsupported' });
    const number = /^[1-9][0-9]{0,14}$/.test(params.number ?? '') ? Number(params.number) : 0;
    const token = number === 0 ? undefined : await server.statusLists.token(number);
    if (token === undefined) return fail({ error: 'not_found' });
    const etag = `"${hash('sha256', token, 'base64url').slice(0, 22)}"`;
    const headers = {
      'content-type': 'application/statuslist+jwt',
      'cache-control': `public, max-age=${server.settings.statusListSeconds}`,
      etag,
      'x-content-type-options': 'nosniff',
    };
    const isKnown = request.headers.get('if-none-match') === etag;
    return ok(new Response(isKnown ? null : token, { status: isKnown ? 304 : 200, headers }));
  },
};

/** All status lists that a token may name. @spec TSL draft-21 §9.3 */
export const statusListAggregation: Endpoint = {
  ...OPEN,
  path: '/status-lists',
  summary: 'Where the status lists are, for whoever fetches them ahead.',
  async answer(_call, server): Promise<Answer> {
    const rows = await server.store.read.statusLists({ after: undefined, limit: LIMITS.statusListsTold });
    const lists = rows.map(({ number }) => statusListUri(number, server.settings.issuer));
    const headers = {
      'content-type': 'application/json',
      'cache-control': `public, max-age=${server.settings.statusListSeconds}`,
      'x-content-type-options': 'nosniff',
    };
    return ok(new Response(JSON.stringify({ status_lists: lists }), { headers }));
  },
};
