import type { Moment } from '@latchkey/domain/ports/reader';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import { formatScope } from '@latchkey/protocol/scope';
import type { Server } from '../server.ts';
import { mintAccessToken } from './access-token.ts';
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
}

/** Mints what was granted, with the keys of the catalogue that the decision saw. */
export async function mintTokens(grant: TokenGrant, moment: Moment, server: Server): Promise<MintedTokens> {
  const keys = await server.keys.at(moment.catalogue);
  const access = mintAccessToken(grant.access, keys, server);
  const { refresh } = grant;
  const secondsUntil = (at: number) => Math.max(0, Math.floor((at - moment.now) / 1000));
  server.metrics.count('latchkey_tokens_issued_total', {
    kind: grant.access.person === undefined ? 'machine' : 'person',
  });
  return {
    accessToken: access.value,
    expiresIn: access.expiresIn,
    scope: formatScope(grant.access.scope),
    refreshToken: refresh === undefined ? undefined : mintRefreshToken(refresh, keys, server),
    refreshExpiresIn:
      refresh === undefined ? undefined : secondsUntil(Math.min(refresh.idleExpiresAt, refresh.familyExpiresAt)),
    familyExpiresIn: refresh === undefined ? undefined : secondsUntil(refresh.familyExpiresAt),
  };
}

/** The body of a token response. @spec RFC 6749 §5.1, refresh-token-expiration draft (the last two members) */
export const tokenResponse = (minted: MintedTokens): Readonly<Record<string, unknown>> => ({
  access_token: minted.accessToken,
  token_type: 'Bearer',
  expires_in: minted.expiresIn,
  ...(minted.scope === '' ? {} : { scope: minted.scope }),
  ...(minted.refreshToken === undefined
    ? {}
    : {
        refresh_token: minted.refreshToken,
        refresh_token_expires_in: minted.refreshExpiresIn,
        authorization_expires_in: minted.familyExpiresIn,
      }),
});
