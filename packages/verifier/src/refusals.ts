import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import type { Access } from './access.ts';

/** A request that was refused, as the server is told of it, for `latchkey token explain`. */
export interface Refusal {
  readonly id: string;
  readonly error: ErrorId;
  readonly at: number;
  readonly where: string;
  readonly about: Readonly<Record<string, string>>;
}

/** Refusals of tokens that were good once: their signature held, and what they say of themselves is true. */
const WAS_GOOD: ReadonlySet<ErrorId> = new Set(['token_revoked', 'token_expired']);

/**
 * What a refusal was about, by ids, so that the event behind it can be found. Of a token that never was good nothing is
 * told: whoever made it up would tell the server a tale.
 */
export function aboutOf(error: ErrorId, access: Access | undefined, token: string): Readonly<Record<string, string>> {
  if (error === 'token_key_revoked') return idsOf({ key: decodeUnverified(token)?.header.kid });
  const claims = access?.claims ?? (WAS_GOOD.has(error) ? decodeUnverified(token)?.claims : undefined);
  if (claims === undefined) return {};
  const { jti, fid, sid, sub, client_id, api_key } = claims;
  return idsOf({ token: jti, family: fid, session: sid, subject: sub, client: client_id, api_key });
}

const idsOf = (about: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(about).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && entry[1] !== '' && entry[1].length <= LIMITS.nameMax,
    ),
  );
