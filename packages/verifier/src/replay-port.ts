import type { AccessTokenClaims } from '@latchkey/protocol/claims';

/** Remembers which tokens were used, where each may be used once. */
export interface ReplayPort {
  /**
   * Says whether this is the first time that it hears of a key, and remembers it until then, in seconds since 1970. It
   * must be atomic, among all processes that verify for the API. When it cannot tell, it throws: the request is refused.
   *
   * @param claims of the token that is used
   */
  consume(key: string, untilSeconds: number, claims: AccessTokenClaims): Promise<'first' | 'seen'>;
}
