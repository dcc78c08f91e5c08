import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Access } from './access.ts';
import type { Meters, NoUse } from './meters.ts';
import { isWithin } from './networks.ts';
import type { Reports } from './reports.ts';

/** Lets a good credential in: an API key only from its networks, and within its limits. */
export interface Admission {
  /** Whether a key may come from this address. */
  networkError(access: Access, address: string | undefined): 'api_key_network_refused' | undefined;
  /** Takes one use; undefined when more uses must be asked for first. */
  now(access: Access): Result<Access, ErrorId> | undefined;
  /** The same, and asks. */
  later(access: Access): Promise<Result<Access, ErrorId>>;
}

/** How many grants of uses one request waits for. */
const TRIES = 3;

export function createAdmission(meters: Meters, reports: Reports): Admission {
  function admitted(access: Access, id: string): Result<Access, ErrorId> {
    reports.used();
    if (meters.wantsMore(id)) void reports.now(id); // ahead of need: nobody waits for it
    const limits = meters.limits(id);
    return ok(limits === undefined ? access : Object.freeze({ ...access, headers: limits.headers }));
  }

  function now(access: Access): Result<Access, ErrorId> | undefined {
    const { apiKey } = access;
    if (apiKey === undefined) return ok(access);
    const no = meters.take(apiKey.id, apiKey.isLimited);
    if (no === undefined) return admitted(access, apiKey.id);
    return no === 'wait' ? undefined : fail(errorOf(no));
  }

  return {
    networkError: ({ apiKey }, address) =>
      apiKey === undefined || apiKey.networks.length === 0 || isWithin(address, apiKey.networks)
        ? undefined
        : 'api_key_network_refused',
    now,
    async later(access) {
      const first = now(access);
      if (first !== undefined || access.apiKey === undefined) return first ?? ok(access);
      const { id } = access.apiKey;
      // many may wait for few uses, and then for those after them
      for (let tries = 0; tries < TRIES; tries++) {
        meters.wantsMore(id);
        if (!(await reports.now(id))) return fail('introspection_unavailable');
        const next = now(access);
        if (next !== undefined) return next;
      }
      return fail('verifier_busy');
    },
  };
}

const errorOf = (no: Exclude<NoUse, 'wait'>): ErrorId => (no === 'unknown' ? 'verifier_busy' : no);
