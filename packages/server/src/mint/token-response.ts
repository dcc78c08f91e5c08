import type { Moment } from '@latchkey/domain/ports/reader';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { formatScope } from '@latchkey/protocol/scope';
import type { Refusal, Server } from '../server.ts';
import { mintAccessToken } from './access-token.ts';
import { mintIdToken } from './id-token.ts';
import { mintRefreshToken } from './refresh-token.ts';

/** The tokens of a grant, and what the response says beside them. */
export interface MintedTokens {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly scope: string;
  readonly refreshToken: string | undefined;
  /** Seconds until the refresh token expires unused, and until its family ends. */
  readonly refreshExpiresIn: number | undefined;
  readonly familyExpiresIn: number | undefined;
  /** For a client that asked who the person is. */
  readonly idToken: string | undefined;
}

/**
 * Mints what was granted, with the keys of the catalogue that the decision saw.
 *
 * @returns `refresh_token_key_unknown` when the MAC key was revoked between the decision and now, `overloaded`
 */
export async function mintTokens(
  grant: TokenGrant,
  moment: Moment,
  server: Server,
): Promise<Result<MintedTokens, Refusal>> {
  const keys = await server.keys.at(moment.catalogue);
  const { refresh } = grant;
  const refreshToken = refresh === undefined ? undefined : mintRefreshToken(refresh, keys, server);
  if (refresh !== undefined && refreshToken === undefined)
    return fail({ error: 'refresh_token_key_unknown', about: { family: refresh.familyId } });
  const minted = await mintAccessToken(grant.access, keys, server);
  if (!minted.ok) return fail({ error: minted.error, about: { client: grant.access.clientId } });
  const access = minted.value;
  const { identity } = grant;
  const secondsUntil = (at: number) => Math.max(0, Math.floor((at - moment.now) / 1000));
  server.metrics.count('latchkey_tokens_issued_total', {
    kind: grant.access.person === undefined ? 'machine' : 'person',
  });
  return ok({
    accessToken: access.value,
    expiresIn: access.expiresIn,
    scope: formatScope(grant.access.scope),
    refreshToken,
    idToken: identity === undefined ? undefined : await mintIdToken(identity, access.value, keys, server),
    refreshExpiresIn:
      refresh === undefined ? undefined : secondsUntil(Math.min(refresh.idleExpiresAt, refresh.familyExpiresAt)),
    familyExpiresIn: refresh === undefined ? undefined : secondsUntil(refresh.familyExpiresAt),
  });
}

/** The body of a token response. @spec RFC 6749 §5.1, refresh-token-expiration draft (the last two members) */
export const tokenResponse = (minted: MintedTokens): Readonly<Record<string, unknown>> => ({
  access_token: minted.accessToken,
  token_type: 'Bearer',
  expires_in: minted.expiresIn,
  ...(minted.idToken === undefined ? {} : { id_token: minted.idToken }),
  ...(minted.scope === '' ? {} : { scope: minted.scope }),
  ...(minted.refreshToken === undefined
    ? {}
    : {
        refresh_token: minted.refreshToken,
        refresh_token_expires_in: minted.refreshExpiresIn,
        authorization_expires_in: minted.familyExpiresIn,
      }),
});
