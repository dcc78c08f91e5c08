import { fail, ok, type Result } from '@latchkey/protocol/result';
import { STATUS, type StatusList, statusAt } from '@latchkey/tokens/formats/status-list';
import type { Access } from '../access.ts';
import type { Config } from '../options.ts';
import { mayFetch } from './fetch-status-list.ts';
import type { StatusLists } from './status-lists.ts';

export type StatusError =
  | 'token_claims_invalid'
  | 'token_revoked'
  | 'token_suspended'
  | 'token_status_invalid'
  | 'token_status_missing'
  | 'token_status_unknown'
  | 'status_list_unavailable';

/** Looks tokens up in the status lists of their issuer. */
export interface TokenStatus {
  /** What holds for an access by what is here; undefined when a list must be fetched first. */
  now(access: Access): Result<Access, StatusError> | undefined;
  later(access: Access): Promise<Result<Access, StatusError>>;
}

/** Where the status of a token stands. */
interface Reference {
  readonly idx: number;
  readonly uri: string;
}

/**
 * Decides by a status list about a token that is good by itself. A status that nobody has told us how to read refuses,
 * as one beyond the end of the list does.
 *
 * @spec TSL draft-21 §6.1, §7.1, §8.3
 */
export function createTokenStatus(config: Config, lists: StatusLists): TokenStatus {
  function referenceOf({ claims }: Access): Result<Reference | undefined, StatusError> {
    const { status } = claims;
    if (status === undefined) return config.requireStatus ? fail('token_status_missing') : ok(undefined);
    if (!isObject(status)) return fail('token_claims_invalid');
    const { status_list: list } = status;
    if (list === undefined) return config.requireStatus ? fail('token_status_missing') : ok(undefined);
    if (!isObject(list)) return fail('token_claims_invalid');
    const { idx, uri } = list;
    if (typeof idx !== 'number' || !Number.isSafeInteger(idx) || idx < 0) return fail('token_claims_invalid');
    if (typeof uri !== 'string') return fail('token_claims_invalid');
    return mayFetch(uri, config) ? ok({ idx, uri }) : fail('token_status_invalid');
  }

  function decide(access: Access, list: StatusList, { idx }: Reference): Result<Access, StatusError> {
    switch (statusAt(list, idx)) {
      case STATUS.valid:
        return ok(access);
      case STATUS.invalid:
        return fail('token_revoked');
      case STATUS.suspended:
        return fail('token_suspended');
      default:
        return fail('token_status_invalid');
    }
  }

  const unavailable = (): StatusError =>
    config.onStatusUnavailable === 'refuse' ? 'token_status_unknown' : 'status_list_unavailable';

  return {
    now(access) {
      const reference = referenceOf(access);
      if (!reference.ok) return reference;
      if (reference.value === undefined) return ok(access);
      const list = lists.now(reference.value.uri);
      return list === undefined ? undefined : decide(access, list, reference.value);
    },
    async later(access) {
      const reference = referenceOf(access);
      if (!reference.ok) return reference;
      if (reference.value === undefined) return ok(access);
      const list = await lists.get(reference.value.uri);
      return list === undefined ? fail(unavailable()) : decide(access, list, reference.value);
    },
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
