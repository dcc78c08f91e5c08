import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, type Result } from '@latchkey/protocol/result';
import { seconds } from '@latchkey/protocol/types';
import { createAccessTokenDecoder, decodeUnverified } from '@latchkey/tokens/formats/access-token-jwt';
import type { Server } from '../server.ts';

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
  const { keySet } = await server.keys.at(catalogue);
  const { issuer } = server.settings;
  return decode(token, keySet, { ...expected, issuer, leewaySeconds: DURATIONS.leewayDefault }, seconds(now));
}

/** The same for a token of any of our resources, where the endpoint is about tokens and not about one resource. */
export async function readAnyAccessToken(token: string, server: Server): Promise<Result<AccessTokenClaims, ErrorId>> {
  const said = decodeUnverified(token);
  if (said === undefined) return fail('token_malformed');
  const { aud } = said.claims;
  const audience: unknown = Array.isArray(aud) ? aud[0] : aud;
  if (typeof audience !== 'string') return fail('token_audience_wrong');
  const typ = said.header.typ?.toLowerCase() === 'jwt' ? 'JWT' : 'at+jwt';
  return readOwnAccessToken(token, { audience, typ }, server);
}
