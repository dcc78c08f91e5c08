import { timingSafeEqual } from 'node:crypto';
import { parseBearer } from '@latchkey/protocol/bearer';
import { fail, ok } from '@latchkey/protocol/result';
import { secretHash } from '../prove/secret.ts';
import type { Endpoint, Server } from '../server.ts';

/** The text of all metrics. */
export const metricsAnswer = async (server: Pick<Server, 'metrics'>): Promise<Response> =>
  new Response(await server.metrics.render(), {
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
  });

/** Metrics behind a token. Without a token of its own, this path is as good as absent. */
export const metrics: Endpoint = {
  method: 'GET',
  path: '/metrics',
  summary: 'Metrics for Prometheus, where a metrics token is set.',
  credentials: ['metrics_token'],
  wording: 'bearer',
  cors: 'none',
  bodyMax: 0,
  async answer({ request }, server) {
    if (server.metricsToken === undefined) return fail({ error: 'path_unknown' });
    const token = parseBearer(request.headers.get('authorization') ?? undefined);
    if (!token.ok) return fail({ error: token.error });
    if (token.value === undefined) return fail({ error: 'access_token_missing' });
    const [given, wanted] = [token.value, server.metricsToken].map((text) => Buffer.from(secretHash(text)));
    if (given === undefined || wanted === undefined || !timingSafeEqual(given, wanted))
      return fail({ error: 'token_malformed' });
    return ok(await metricsAnswer(server));
  },
};
