import { accessTokenEnd, loadAccessTokenFacts } from '@latchkey/domain/tokens/access-token-life';
import { bearerChallenge, parseBearer } from '@latchkey/protocol/bearer';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { isSubset, type Scope } from '@latchkey/protocol/scope';
import type { Call, Refusal, Server } from '../server.ts';
import { readOwnAccessToken } from './own-token.ts';

/** What an endpoint of our own asks of the access token that comes with a request. */
export interface AskedOfAccessToken {
  /** One of the server's own audiences: the issuer or the admin API. A token for any other API is refused here. */
  readonly audience: string;
  readonly scope?: Scope;
}

/**
 * Proves an access token for the server itself. It is decoded as a verifier would; whether it still lives is read from
 * the rows in this request, never from a copy that may lag.
 *
 * @returns `access_token_missing`, `authorization_malformed`, what decoding refuses, `token_sender_unproved`,
 *   `token_revoked`, `scope_insufficient`
 * @spec RFC 6750 §2.1, §3.1; RFC 9068 §4
 */
export async function proveAccessToken(
  { request }: Call,
  server: Server,
  { audience, scope = [] }: AskedOfAccessToken,
  inBody?: string,
): Promise<Result<AccessTokenClaims, Refusal>> {
  const token = parseBearer(request.headers.get('authorization') ?? undefined);
  if (!token.ok) return fail({ error: token.error });
  const text = token.value ?? inBody;
  if (text === undefined) return fail({ error: 'access_token_missing' });
  const decoded = await readOwnAccessToken(text, { audience, typ: 'at+jwt' }, server);
  if (!decoded.ok) return fail({ error: decoded.error });

  const claims = decoded.value;
  const about = { token: claims.jti, subject: claims.sub, client: claims.client_id };
  if (claims.cnf !== undefined) return fail({ error: 'token_sender_unproved', about });
  const moment = await server.store.read.moment();
  const facts = await loadAccessTokenFacts(server.store.read, claims, moment);
  if (accessTokenEnd(facts, claims, moment) !== undefined) return fail({ error: 'token_revoked', about });
  const granted = claims.scope === undefined ? [] : claims.scope.split(' ');
  if (isSubset(scope, granted)) return ok(claims);
  return fail(lacksScope('scope_insufficient', scope, claims, server));
}

/** The refusal of a token that allows too little, with the scopes that would do in the challenge. @spec RFC 6750 §3.1 */
export function lacksScope(
  error: 'scope_insufficient' | 'admin_role_insufficient',
  scope: Scope,
  { jti, sub, client_id }: AccessTokenClaims,
  { settings: { issuer } }: Server,
): Refusal {
  const challenge = bearerChallenge(error, { realm: issuer, scope });
  return { error, headers: { 'www-authenticate': challenge }, about: { token: jti, subject: sub, client: client_id } };
}
