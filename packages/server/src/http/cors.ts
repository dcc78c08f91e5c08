import type { Store } from '@latchkey/domain/ports/store';
import { LIMITS } from '@latchkey/protocol/limits';
import type { ClientId } from '@latchkey/protocol/types';
import type { Endpoint } from '../server.ts';

/** The origins of all first-party clients, read once for each number of the catalogue. */
export interface RegisteredOrigins {
  has(origin: string): Promise<boolean>;
}

export function createRegisteredOrigins(store: Store): RegisteredOrigins {
  let held: { readonly catalogue: number; readonly origins: Promise<ReadonlySet<string>> } | undefined;
  return {
    async has(origin) {
      const { catalogue } = await store.read.moment();
      if (held?.catalogue !== catalogue) held = { catalogue, origins: readOrigins(store) };
      return (await held.origins).has(origin);
    },
  };
}

async function readOrigins(store: Store): Promise<ReadonlySet<string>> {
  const origins = new Set<string>();
  let after: ClientId | undefined;
  for (;;) {
    const page = await store.read.clients({ after, limit: LIMITS.pageRowsMax });
    for (const client of page)
      if (client.deletedAt === undefined && client.firstParty) for (const origin of client.origins) origins.add(origin);
    after = page.at(-1)?.id;
    if (page.length < LIMITS.pageRowsMax) return origins;
  }
}

const ALLOWED_HEADERS = 'authorization, content-type, x-latchkey-csrf';
const EXPOSED_HEADERS = 'www-authenticate, retry-after';

/**
 * What a browser needs to let a page of another origin read an answer. Never with credentials: who is asked for a
 * cookie answers his own origin only.
 *
 * @spec Fetch §3.2; RFC 10017 (CORS-01)
 */
export async function corsHeaders(
  endpoint: Endpoint,
  origin: string | null,
  origins: RegisteredOrigins,
): Promise<Readonly<Record<string, string>>> {
  if (origin === null || endpoint.cors === 'none') return {};
  if (endpoint.cors === 'any')
    return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED_HEADERS };
  const vary = { vary: 'Origin' };
  if (!(await origins.has(origin))) return vary;
  return { ...vary, 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_HEADERS };
}

/** The answer to a preflight. */
export const preflightHeaders = (methods: readonly string[]): Readonly<Record<string, string>> => ({
  'access-control-allow-methods': methods.join(', '),
  'access-control-allow-headers': ALLOWED_HEADERS,
  'access-control-max-age': '600',
});
