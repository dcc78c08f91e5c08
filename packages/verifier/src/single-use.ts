import type { Access } from './access.ts';
import type { Config } from './options.ts';
import { replayPortOf, untilOf } from './replay.ts';

export type SingleUseError = 'credential_not_single_use' | 'token_used' | 'replay_unavailable';

/** Uses a credential up; undefined when this was its first use. */
export type UseUp = (access: Access) => Promise<SingleUseError | undefined>;

/**
 * What may be done once is done with a token that is accepted once, among all who verify for the API. An API key is made
 * to be used again, and of a token that was accepted without knowing whether it was revoked, nobody knows whether it was
 * used either. When it cannot be told, the request is refused.
 */
export function createSingleUse(config: Config): UseUp {
  const port = replayPortOf(config);
  return async (access) => {
    const { claims } = access;
    if (access.credential === 'api_key' || access.stale) return 'credential_not_single_use';
    try {
      if (port === undefined) throw new Error("nobody remembers uses: give credentials, or the option 'replay'");
      const key = `once ${config.issuer} ${config.audience} ${claims.jti}`;
      return (await port.consume(key, untilOf(claims), claims)) === 'first' ? undefined : 'token_used';
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      config.onEvent({ event: 'replay_unavailable', reason });
      return 'replay_unavailable';
    }
  };
}
