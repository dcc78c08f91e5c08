import { type ClaimsRequest, parseClaimsRequest, type RequestedClaims } from './claims-request.ts';
import type { ErrorId } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { Parameters } from './parameters.ts';
import { isCodeChallenge } from './pkce.ts';
import { type ApplicationType, matchesRedirectUri } from './redirect-uri.ts';
import { fail, ok, type Result } from './result.ts';
import { parseScope, type Scope } from './scope.ts';
import { parseResources } from './token-request.ts';
import type { ClientId, ResourceIdentifier } from './types.ts';

/** What a client asks of the pages that a person sees. @spec OIDC Core §3.1.2.1 */
export const PROMPTS = ['none', 'login', 'consent', 'select_account'] as const;
export type Prompt = (typeof PROMPTS)[number];

/** How a response travels back: in the query of the redirect, or in a form that the browser posts. */
export const RESPONSE_MODES = ['query', 'form_post'] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];

/** Where the answer to a request goes, be it a code or an error. Known before anything else of the request is. */
export interface ReturnAddress {
  readonly redirectUri: string;
  /** Whether the request named it, so that the token request may name it too. */
  readonly isRedirectUriGiven: boolean;
  readonly responseMode: ResponseMode;
  readonly state: string | undefined;
}

/** An authorization request, as far as the wire goes; whether the client may ask for this is decided elsewhere. */
export interface AuthorizationRequest extends ReturnAddress {
  readonly clientId: ClientId;
  readonly scope: Scope | undefined;
  readonly resources: readonly ResourceIdentifier[];
  readonly nonce: string | undefined;
  /** Of the method S256, which is the only one. */
  readonly codeChallenge: string | undefined;
  readonly prompt: readonly Prompt[];
  /** In seconds. */
  readonly maxAge: number | undefined;
  readonly loginHint: string | undefined;
  readonly uiLocales: readonly string[];
  readonly acrValues: readonly string[];
  readonly essentialAcr: readonly string[] | undefined;
  readonly claims: RequestedClaims | undefined;
  readonly idTokenHint: string | undefined;
  /** The only subject that will do, where the `claims` parameter names one. */
  readonly subject: string | undefined;
}

const isOneOf = <T extends string>(all: readonly T[], text: string | undefined): text is T =>
  (all as readonly (string | undefined)[]).includes(text);

const namesOf = (text: string | undefined): readonly string[] => [
  ...new Set((text ?? '').split(' ').filter((name) => name !== '')),
];

/**
 * Decides where the answer goes. As long as this fails, nothing may be sent to where the request says: the person gets
 * a page. A response mode that is not known and a state that is too long are told later, at this very address.
 *
 * @returns `redirect_uri_missing`, `redirect_uri_unregistered`
 * @spec RFC 6749 §3.1.2.3, §3.1.2.4; RFC 9700 §4.11.2; OIDC Core §3.1.2.1 (RED-01, RED-08)
 */
export function resolveReturnAddress(
  parameters: Parameters,
  client: { readonly redirectUris: readonly string[]; readonly applicationType: ApplicationType },
): Result<ReturnAddress, 'redirect_uri_missing' | 'redirect_uri_unregistered'> {
  const asked = parameters.get('redirect_uri');
  const [only, another] = client.redirectUris;
  const isOmissible = another === undefined && !namesOf(parameters.get('scope')).includes('openid');
  const redirectUri = asked ?? (isOmissible ? only : undefined);
  if (redirectUri === undefined) return fail('redirect_uri_missing');
  if (!client.redirectUris.some((registered) => matchesRedirectUri(registered, redirectUri, client.applicationType)))
    return fail('redirect_uri_unregistered');
  const state = parameters.get('state');
  return ok({
    redirectUri,
    isRedirectUriGiven: asked !== undefined,
    responseMode: parameters.get('response_mode') === 'form_post' ? 'form_post' : 'query',
    state: isTooLong(state, LIMITS.stateMax) ? undefined : state,
  });
}

const isTooLong = (text: string | undefined, max: number): boolean => text !== undefined && text.length > max;

/**
 * Reads the rest of an authorization request, whose every refusal goes to the return address. Unknown parameters are
 * ignored.
 *
 * @returns `request_object_unsupported`, `request_uri_unsupported`, `registration_unsupported`, `parameter_missing`,
 *   `response_type_unsupported`, `response_mode_unsupported`, `parameter_too_long`, `code_challenge_missing`,
 *   `code_challenge_method_unsupported`, `code_challenge_malformed`, `scope_malformed`, `resource_malformed`,
 *   `prompt_invalid`, `max_age_invalid`, `claims_malformed`
 * @spec RFC 6749 §4.1.1; RFC 7636 §4.3; RFC 8707 §2; OIDC Core §3.1.2.1, §5.5, §6, §7.2.1
 */
export function parseAuthorizationRequest(
  parameters: Parameters,
  clientId: ClientId,
  address: ReturnAddress,
  rules: { readonly requiresPkce: boolean },
): Result<AuthorizationRequest, ErrorId> {
  const text = (name: string) => parameters.get(name);
  const error = formError(parameters) ?? lengthError(parameters) ?? challengeError(parameters, rules.requiresPkce);
  if (error !== undefined) return fail(error);
  const scopeText = text('scope');
  const scope = scopeText === undefined ? undefined : parseScope(scopeText);
  if (scopeText !== undefined && scope === undefined) return fail('scope_malformed');
  const resources = parseResources(parameters.all('resource'));
  if (!resources.ok) return resources;
  const prompt = parsePrompt(text('prompt'));
  if (!prompt.ok) return prompt;
  const maxAge = text('max_age');
  if (maxAge !== undefined && !/^[0-9]{1,10}$/.test(maxAge)) return fail('max_age_invalid');
  const claims = parseClaims(text('claims'));
  if (!claims.ok) return claims;
  return ok({
    ...address,
    clientId,
    scope,
    resources: resources.value,
    nonce: text('nonce'),
    codeChallenge: text('code_challenge'),
    prompt: prompt.value,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: text('login_hint'),
    uiLocales: namesOf(text('ui_locales')),
    acrValues: namesOf(text('acr_values')),
    essentialAcr: claims.value?.essentialAcr,
    claims: claims.value?.requested,
    idTokenHint: text('id_token_hint'),
    subject: claims.value?.subject,
  });
}

/** Other forms of request and response than the one there is. @spec OIDC Core §3.1.2.6, §6; AUT-01, AUT-16 */
function formError(parameters: Parameters): ErrorId | undefined {
  if (parameters.get('request') !== undefined) return 'request_object_unsupported';
  if (parameters.get('request_uri') !== undefined) return 'request_uri_unsupported';
  if (parameters.get('registration') !== undefined) return 'registration_unsupported';
  const [type, mode] = [parameters.get('response_type'), parameters.get('response_mode')];
  if (type === undefined) return 'parameter_missing';
  if (type !== 'code') return 'response_type_unsupported';
  return mode === undefined || isOneOf(RESPONSE_MODES, mode) ? undefined : 'response_mode_unsupported';
}

function lengthError(parameters: Parameters): ErrorId | undefined {
  const maxima = [
    ['state', LIMITS.stateMax],
    ['nonce', LIMITS.nonceMax],
    ['login_hint', LIMITS.loginHintMax],
    ['id_token_hint', LIMITS.idTokenHintMax],
    ['ui_locales', LIMITS.nameListCharactersMax],
    ['acr_values', LIMITS.nameListCharactersMax],
  ] as const;
  const isOver =
    maxima.some(([name, max]) => isTooLong(parameters.get(name), max)) ||
    namesOf(parameters.get('ui_locales')).length > LIMITS.uiLocalesMax ||
    namesOf(parameters.get('acr_values')).length > LIMITS.acrValuesMax;
  return isOver ? 'parameter_too_long' : undefined;
}

/** A method without a challenge is a challenge that got lost. A missing method means `plain`. @spec RFC 7636 §4.3 (PKCE-01 to 03) */
function challengeError(parameters: Parameters, isRequired: boolean): ErrorId | undefined {
  const [challenge, method] = [parameters.get('code_challenge'), parameters.get('code_challenge_method')];
  if (challenge === undefined) return isRequired || method !== undefined ? 'code_challenge_missing' : undefined;
  if (method !== 'S256') return 'code_challenge_method_unsupported';
  return isCodeChallenge(challenge) ? undefined : 'code_challenge_malformed';
}

/** @spec OIDC Core §3.1.2.1 (OIDC-05) */
function parsePrompt(text: string | undefined): Result<readonly Prompt[], 'prompt_invalid'> {
  const names = namesOf(text);
  const prompts = names.filter((name) => isOneOf(PROMPTS, name));
  const isKnown = prompts.length === names.length;
  return isKnown && (names.length <= 1 || !names.includes('none')) ? ok(prompts) : fail('prompt_invalid');
}

const parseClaims = (text: string | undefined): Result<ClaimsRequest | undefined, 'claims_malformed'> =>
  text === undefined ? ok(undefined) : parseClaimsRequest(text);
