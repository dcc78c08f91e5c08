import type { Store } from '@latchkey/domain/ports/store';
import { LIMITS } from '@latchkey/protocol/limits';
import type { ClientId } from '@latchkey/protocol/types';
import type { Endpoint } from '../server.ts';

/** The origins of clients, and of first-party clients, read once for each number of the catalogue. */
export interface RegisteredOrigins {
  has(origin: string, of: 'registered' | 'first_party'): Promise<boolean>;
}

export function createRegisteredOrigins(store: Store): RegisteredOrigins {
  let held: { readonly catalogue: number; readonly origins: Promise<Origins> } | undefined;
  return {
    async has(origin, of) {
      const { catalogue } = await store.read.moment();
      if (held?.catalogue !== catalogue) {
        const origins = readOrigins(store);
        held = { catalogue, origins };
        origins.catch(() => {
          held = undefined; // a fault is not kept
        });
      }
      return (await held.origins)[of].has(origin);
    },
  };
}

type Origins = Readonly<Record<'registered' | 'first_party', Set<string>>>;

async function readOrigins(store: Store): Promise<Origins> {
  const origins: Origins = { registered: new Set(), first_party: new Set() };
  let after: ClientId | undefined;
  for (;;) {
    const page = await store.read.clients({ after, limit: LIMITS.pageRowsMax });
    for (const client of page.filter(({ deletedAt }) => deletedAt === undefined))
      for (const origin of client.origins) {
        origins.registered.add(origin);
        if (client.firstParty) origins.first_party.add(origin);
      }
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
  if (!(await origins.has(origin, endpoint.cors))) return vary;
  return { ...vary, 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_HEADERS };
}

/** The answer to a preflight. */
export const preflightHeaders = (methods: readonly string[]): Readonly<Record<string, string>> => ({
  'access-control-allow-methods': methods.join(', '),
  'access-control-allow-headers': ALLOWED_HEADERS,
  'access-control-max-age': '600',
});
