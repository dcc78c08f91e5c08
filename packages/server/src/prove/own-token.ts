import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import { isEncryptedToken } from '@latchkey/tokens/formats/encrypted-token';
import { OPAQUE_TOKEN_PREFIX } from '@latchkey/tokens/formats/opaque-token';
import type { Server } from '../server.ts';
import { readEncryptedToken } from './credentials/jwe.ts';
import { readOpaqueToken } from './credentials/opaque.ts';

/** What an endpoint expects of a token: its audience and type, where they are not left to the token. */
export interface ExpectedToken {
  readonly audience: string;
  readonly typ: 'at+jwt' | 'JWT';
}

const decode = createAccessTokenDecoder();

/**
 * Checks one of our own access tokens: form, type, signature, issuer, audience and time. Whether it still lives is a
 * matter of rows, not of this.
 */
export async function readOwnAccessToken(
  token: string,
  expected: ExpectedToken,
  server: Server,
): Promise<Result<AccessTokenClaims, ErrorId>> {
  const { catalogue, now } = await server.store.read.moment();
  return decodeAt(token, expected, { catalogue, at: seconds(now) }, server);
}

async function decodeAt(
  token: string,
  expected: ExpectedToken,
  { catalogue, at }: { readonly catalogue: number; readonly at: EpochSeconds },
  server: Server,
): Promise<Result<AccessTokenClaims, ErrorId>> {
  const { keySet } = await server.keys.at(catalogue);
  const { issuer } = server.settings;
  return decode(token, keySet, { ...expected, issuer, leewaySeconds: DURATIONS.leewayDefault }, at);
}

/**
 * The same for a token of any of our resources, where the endpoint is about tokens and not about one resource. Its time
 * is not looked at: what this clock takes for too young or too old may be good at a verifier, and has to be revoked.
 */
export async function readAnyAccessToken(token: string, server: Server): Promise<Result<AccessTokenClaims, ErrorId>> {
  const isOpaque = token.startsWith(OPAQUE_TOKEN_PREFIX);
  if (isOpaque || isEncryptedToken(token)) {
    const record = await (isOpaque ? readOpaqueToken(token, server) : readEncryptedToken(token, server));
    return record.ok ? ok(record.value.claims) : record;
  }
  const said = decodeUnverified(token);
  if (said === undefined) return fail('token_malformed');
  const { aud, iat } = said.claims;
  const audience: unknown = Array.isArray(aud) ? aud[0] : aud;
  if (typeof audience !== 'string') return fail('token_audience_wrong');
  if (typeof iat !== 'number') return fail('token_claims_invalid');
  const typ = said.header.typ?.toLowerCase() === 'jwt' ? 'JWT' : 'at+jwt';
  const { catalogue } = await server.store.read.moment();
  return decodeAt(token, { audience, typ }, { catalogue, at: iat as EpochSeconds }, server);
}
