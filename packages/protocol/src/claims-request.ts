import { LIMITS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';
import type { Scope } from './scope.ts';

/** The claims that each scope asks for. @spec OIDC Core §5.4 */
export const CLAIMS_OF_SCOPE: Readonly<Record<'profile' | 'email' | 'address' | 'phone', readonly string[]>> = {
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
};

/** The claims that these scopes ask for. */
export const claimsOf = (scope: Scope): readonly string[] =>
  Object.entries(CLAIMS_OF_SCOPE).flatMap(([name, claims]) => (scope.includes(name) ? claims : []));

/** The scopes that ask for one of these claims, among others. */
export const scopesOf = (claims: readonly string[]): Scope =>
  Object.entries(CLAIMS_OF_SCOPE).flatMap(([name, of]) => (of.some((claim) => claims.includes(claim)) ? [name] : []));

/** The claims that may be asked for one by one. Others are ignored. @spec OIDC Core §2, §5.1 */
const KNOWN_CLAIMS: ReadonlySet<string> = new Set([
  ...Object.values(CLAIMS_OF_SCOPE).flat(),
  'auth_time',
  'acr',
  'amr',
]);

/** The names of the claims that are asked for one by one, and where they are to appear. */
export interface RequestedClaims {
  readonly idToken: readonly string[];
  readonly userinfo: readonly string[];
}

export interface ClaimsRequest {
  readonly requested: RequestedClaims;
  /** The sign-in must reach one of these, or the request fails. */
  readonly essentialAcr: readonly string[] | undefined;
  /** Only this subject will do. */
  readonly subject: string | undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a `claims` parameter: which claims are asked for one by one, which sign-in is essential, and who must have
 * signed in. Claims and members that are not known are ignored, as the specification asks.
 *
 * @returns `claims_malformed`
 * @spec OIDC Core §5.5, §5.5.1, §5.5.1.1 (OIDC-10)
 */
export function parseClaimsRequest(text: string): Result<ClaimsRequest, 'claims_malformed'> {
  const json = text.length > LIMITS.claimsRequestMax ? undefined : parseObject(text);
  const userinfo = json && section(json, 'userinfo');
  const idToken = json && section(json, 'id_token');
  if (userinfo === undefined || idToken === undefined) return fail('claims_malformed');
  const [acr, sub] = [idToken.get('acr'), idToken.get('sub')];
  const essentialAcr = acr && member(acr, 'essential') === true ? valuesOf(acr) : [];
  const subjects = sub ? valuesOf(sub) : [];
  if (essentialAcr === undefined || subjects === undefined || subjects.length > 1) return fail('claims_malformed');
  return ok({
    requested: { idToken: known(idToken), userinfo: known(userinfo) },
    essentialAcr: essentialAcr.length === 0 ? undefined : essentialAcr,
    subject: subjects[0],
  });
}

type Section = ReadonlyMap<string, JsonObject | null>;

/** The claims of one place; undefined when one of them is neither null nor an object. */
function section(json: JsonObject, name: string): Section | undefined {
  if (!Object.hasOwn(json, name)) return new Map();
  const value = json[name];
  if (!isObject(value)) return undefined;
  const claims = new Map<string, JsonObject | null>();
  for (const [claim, wish] of Object.entries(value)) {
    if (wish !== null && !isObject(wish)) return undefined;
    claims.set(claim, wish);
  }
  return claims;
}

const known = (claims: Section): readonly string[] => [...claims.keys()].filter((name) => KNOWN_CLAIMS.has(name));

/** The texts of `value` or `values`, of which there may be none; undefined when they are anything else, or too many. */
function valuesOf(wish: JsonObject): readonly string[] | undefined {
  const [value, values = []] = [member(wish, 'value'), member(wish, 'values')];
  const all: unknown = value === undefined ? values : [value];
  if (!Array.isArray(all) || all.length > LIMITS.acrValuesMax) return undefined;
  return all.every((one) => typeof one === 'string') ? all : undefined;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && !isDeeper(value, LIMITS.jsonDepthMax) ? value : undefined;
  } catch {
    return undefined; // JSON.parse throws for what is no JSON, and for nothing else
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === 0 || Object.values(value).some((one) => isDeeper(one, depth - 1)));

/** Reads an own member; what an object inherits is no wish. */
const member = (object: JsonObject, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);
