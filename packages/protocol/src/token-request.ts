import type { ErrorId } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Parameters } from './parameters.ts';
import { isCodeVerifier } from './pkce.ts';
import { fail, ok, type Result } from './result.ts';
import type { ResourceIdentifier } from './types.ts';

/** A token request, as far as the wire goes; who sends it is proved elsewhere. */
export type TokenRequest =
  | AuthorizationCodeRequest
  | ClientCredentialsRequest
  | RefreshTokenRequest
  | TokenExchangeRequest;

/** The grant type of token exchange. @spec RFC 8693 §2.1 */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** What comes of an exchange. @spec RFC 8693 §3 */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
/** What is exchanged: a type of our own, since no standard has one for API keys. @spec RFC 8693 §3 */
export const API_KEY_TYPE = 'urn:latchkey:params:oauth:token-type:api_key';

export interface AuthorizationCodeRequest {
  readonly grantType: 'authorization_code';
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly codeVerifier: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
}

export interface ClientCredentialsRequest {
  readonly grantType: 'client_credentials';
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
}

export interface RefreshTokenRequest {
  readonly grantType: 'refresh_token';
  readonly refreshToken: string;
  /** The client's own random id of this attempt: the same in a retry of a lost response. */
  readonly attemptId: string | undefined;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
}

/** An API key, in exchange for an access token. */
export interface TokenExchangeRequest {
  readonly grantType: typeof TOKEN_EXCHANGE;
  readonly subjectToken: string;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
  /** The API by the name that stands in its tokens. */
  readonly audience: string | undefined;
}

/**
 * Reads a token request. Unknown parameters are ignored.
 *
 * @returns `parameter_missing`, `grant_type_unsupported`, `resource_malformed`, `code_unknown`,
 *   `code_verifier_malformed`, `actor_token_unsupported`, `subject_token_type_unsupported`,
 *   `requested_token_type_unsupported`
 * @spec RFC 6749 §4.1.3, §4.4.2, §6; RFC 7636 §4.5; RFC 8707 §2; RFC 8693 §2.1
 */
export function parseTokenRequest(form: Parameters): Result<TokenRequest, ErrorId> {
  const grantType = form.get('grant_type');
  if (grantType === undefined) return fail('parameter_missing');
  const resources = parseResources(form.all('resource'));
  if (!resources.ok) return resources;
  const scope = form.get('scope');
  if (grantType === 'client_credentials') return ok({ grantType, scope, resources: resources.value });
  if (grantType === 'authorization_code') return parseCodeRequest(form, resources.value);
  if (grantType === TOKEN_EXCHANGE) return parseExchangeRequest(form, resources.value);
  if (grantType !== 'refresh_token') return fail('grant_type_unsupported');
  const refreshToken = form.get('refresh_token');
  if (refreshToken === undefined) return fail('parameter_missing');
  return ok({ grantType, refreshToken, attemptId: form.get('attempt_id'), scope, resources: resources.value });
}

/** A code that is longer than any of ours is none of ours; so it is never looked up. */
function parseCodeRequest(
  form: Parameters,
  resources: readonly ResourceIdentifier[],
): Result<AuthorizationCodeRequest, ErrorId> {
  const code = form.get('code');
  if (code === undefined) return fail('parameter_missing');
  const codeVerifier = form.get('code_verifier');
  if (codeVerifier !== undefined && !isCodeVerifier(codeVerifier)) return fail('code_verifier_malformed');
  if (code.length > LIMITS.codeMax) return fail('code_unknown');
  return ok({ grantType: 'authorization_code', code, redirectUri: form.get('redirect_uri'), codeVerifier, resources });
}

/** Only API keys are exchanged, for access tokens, and nobody else acts with them. @spec RFC 8693 §2.1, §2.2.2 */
function parseExchangeRequest(
  form: Parameters,
  resources: readonly ResourceIdentifier[],
): Result<TokenExchangeRequest, ErrorId> {
  const subjectToken = form.get('subject_token');
  const subjectTokenType = form.get('subject_token_type');
  if (subjectToken === undefined || subjectTokenType === undefined) return fail('parameter_missing');
  if (subjectTokenType !== API_KEY_TYPE) return fail('subject_token_type_unsupported');
  if ((form.get('requested_token_type') ?? ACCESS_TOKEN_TYPE) !== ACCESS_TOKEN_TYPE)
    return fail('requested_token_type_unsupported');
  if (form.get('actor_token') !== undefined || form.get('actor_token_type') !== undefined)
    return fail('actor_token_unsupported');
  const [scope, audience] = [form.get('scope'), form.get('audience')];
  return ok({ grantType: TOKEN_EXCHANGE, subjectToken, scope, resources, audience });
}

/**
 * Reads `resource` parameters: absolute URIs without a fragment.
 *
 * @returns `resource_malformed`
 * @spec RFC 8707 §2 (RES-01)
 */
export function parseResources(texts: readonly string[]): Result<readonly ResourceIdentifier[], 'resource_malformed'> {
  const isUri = (text: string) => !text.includes('#') && /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7E]+$/.test(text);
  return texts.every(isUri) ? ok(texts as readonly ResourceIdentifier[]) : fail('resource_malformed');
}
