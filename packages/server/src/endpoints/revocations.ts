import { LIMITS } from '@latchkey/protocol/limits';
import { formatPosition, type Position, parsePosition } from '@latchkey/protocol/position';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { FeedCredential } from '../feed/feed.ts';
import { streamAnswer } from '../feed/stream.ts';
import { json } from '../http/headers.ts';
import { proveResourceServer } from '../prove/resource-server.ts';
import { isLoopback } from '../read-settings.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../server.ts';

/** The revocation feed: a page as JSON, or with `Accept: text/event-stream` what was missed and then what happens. */
export const revocations: Endpoint = {
  method: 'GET',
  path: '/revocations',
  summary: 'The revocation feed, as a page of JSON or as server-sent events.',
  credentials: ['resource_server'],
  wording: 'oauth',
  cors: 'none',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const reader = await readerOf(call, server);
    if (!reader.ok) return reader;
    const cursor = cursorOf(call);
    if (!cursor.ok) return cursor;
    const wantsStream = (call.request.headers.get('accept') ?? '').includes('text/event-stream');
    if (!wantsStream) return ok(await page(cursor.value, server));
    await server.feed.read();
    return streamAnswer(server.feed, cursor.value, reader.value);
  },
};

/** Who reads. Only in development mode on loopback may anybody. */
async function readerOf(call: Call, server: Server): Promise<Result<FeedCredential | undefined, Refusal>> {
  const proved = await proveResourceServer(call, server);
  if (!proved.ok) return proved;
  if (proved.value !== undefined) return ok({ owner: proved.value.resource.id, secret: proved.value.secret.id });
  const { mode, host } = server.settings;
  return mode === 'development' && isLoopback(host) ? ok(undefined) : fail({ error: 'feed_not_allowed' });
}

/** @returns `feed_cursor_malformed` */
function cursorOf({ request, url }: Call): Result<Position | undefined, Refusal> {
  const text = request.headers.get('last-event-id') ?? url.searchParams.get('after');
  if (text === null || text === '') return ok(undefined);
  const position = parsePosition(text);
  return position === undefined ? fail({ error: 'feed_cursor_malformed' }) : ok(position);
}

async function page(after: Position | undefined, server: Server): Promise<Response> {
  const asOf = server.steady();
  const moment = await server.store.read.moment();
  const from = after?.epoch === moment.position.epoch ? after.seq : 0; // another history of the log: everything
  const events = await server.store.read.revocations(from, moment.now, LIMITS.feedPageMax);
  const last = events.at(-1);
  const isWhole = events.length < LIMITS.feedPageMax;
  const cursor = isWhole || last === undefined ? moment.position : { epoch: moment.position.epoch, seq: last.seq };
  return json({ events, cursor: formatPosition(cursor), asOf, more: !isWhole });
}
