import type { ErrorId } from './errors.ts';
import { LIMITS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';
import { parseScope, type Scope } from './scope.ts';

/** The parts of the target of a forward-auth call. */
export interface ForwardTarget {
  /** The id of the resource that is asked for; undefined where none is named. */
  readonly resource: string | undefined;
  /** What is asked, as the parameters of a query. */
  readonly question: string;
  /** The path and query of the original request, where the call carries them in its own target. */
  readonly rest: string;
}

const TARGET = /^\/verify(?:\/([^/;#]+)((?:;[^/;#]*)*)(\/[^#]*)?)?$/;

/**
 * Takes the target of a call apart. The question is the operator's: it stands in the query, or, where the proxy puts the
 * original request behind it, as parameters of the resource's own segment. The query is then the client's, and asks
 * nothing: `/verify/res_1?scope=read`, but `/verify/res_1;scope=read/orders?page=2`.
 *
 * @returns `forward_question_malformed`
 */
export function parseForwardTarget(target: string): Result<ForwardTarget, ErrorId> {
  const [path, query] = splitOnce(target, '?');
  const parts = TARGET.exec(path);
  if (parts === null) return fail('forward_question_malformed');
  const [, resource, parameters = '', rest = ''] = parts;
  if (rest === '' && parameters !== '') return fail('forward_question_malformed');
  if (rest === '') return ok({ resource, question: query ?? '', rest });
  const question = parameters.slice(1).replaceAll(';', '&');
  return ok({ resource, question, rest: query === undefined ? rest : `${rest}?${query}` });
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** What the operator of a proxy asks of a request, and how the answer is to look. */
export interface ForwardQuestion {
  /** What the request must bring beside a valid credential. */
  readonly asked: {
    readonly scope?: Scope;
    readonly roles?: readonly string[];
    readonly permissions?: readonly string[];
    readonly maxAgeSeconds?: number;
    readonly acrValues?: readonly string[];
  };
  /** `headers=identity`: whose request it is stands in plain headers too. */
  readonly tellsIdentity: boolean;
  /** `preflight=pass`: a preflight of CORS passes without any credential. */
  readonly passesPreflight: boolean;
  /** `cookie=read`: the access cookie of a page counts too. */
  readonly readsCookie: boolean;
  /** `api_key_header=<name>`: the header in which an API key stands, in lower case. */
  readonly apiKeyHeader: string | undefined;
  /** `api_keys=test`: API keys for tests count too. */
  readonly takesTestKeys: boolean;
}

type Parameter =
  | 'scope'
  | 'role'
  | 'permission'
  | 'max_age'
  | 'acr_values'
  | 'headers'
  | 'preflight'
  | 'cookie'
  | 'api_key_header'
  | 'api_keys';

/** What each parameter may say. */
const SAYS: Readonly<Record<Parameter, (text: string) => boolean>> = {
  scope: (text) => parseScope(text) !== undefined,
  role: (text) => text.length <= LIMITS.roleMax && /^[\x20-\x7E]+$/.test(text),
  permission: (text) => text.length <= LIMITS.permissionMax && /^[A-Za-z0-9._:/*-]+$/.test(text),
  max_age: (text) => /^\d{1,9}$/.test(text),
  acr_values: (text) => text.split(' ').length <= LIMITS.acrValuesMax && text.split(' ').every(isAcrValue),
  headers: (text) => text === 'identity',
  preflight: (text) => text === 'pass',
  cookie: (text) => text === 'read',
  api_key_header: (text) => /^[A-Za-z0-9-]{1,64}$/.test(text) && !OTHER_MEANING.test(text),
  api_keys: (text) => text === 'test',
};

const isAcrValue = (text: string): boolean => text.length <= LIMITS.acrValueMax && /^[!#-[\]-~]+$/.test(text);
/** Headers that no key can stand in. */
const OTHER_MEANING = /^(?:authorization|cookie|host|x-latchkey-.*|x-original-.*|x-forwarded-.*)$/i;

const isParameter = (name: string): name is Parameter => Object.hasOwn(SAYS, name);

/**
 * Reads what a proxy asks. A parameter that is unknown, empty, repeated or cannot be read is refused: a requirement with a
 * slip of the pen must not become none. `role` may repeat, and one of the roles is enough; `permission` may, and all of them are needed.
 *
 * @returns `forward_question_malformed`
 */
export function parseForwardQuestion(text: string): Result<ForwardQuestion, ErrorId> {
  if (text.length > LIMITS.forwardedUriMax) return fail('forward_question_malformed');
  const said = new Map<Parameter, string>();
  const lists = { role: [] as string[], permission: [] as string[] };
  for (const [name, value] of new URLSearchParams(text)) {
    if (!isParameter(name) || !SAYS[name](value)) return fail('forward_question_malformed');
    if (name === 'role' || name === 'permission') lists[name].push(value);
    else if (said.has(name)) return fail('forward_question_malformed');
    else said.set(name, value);
  }
  const isTooLong =
    lists.role.length > LIMITS.rolesPerAccountMax || lists.permission.length > LIMITS.permissionsPerRoleMax;
  return isTooLong ? fail('forward_question_malformed') : ok(questionOf(said, lists));
}

function questionOf(
  said: ReadonlyMap<Parameter, string>,
  { role: roles, permission: permissions }: Readonly<Record<'role' | 'permission', readonly string[]>>,
): ForwardQuestion {
  const scope = parseScope(said.get('scope') ?? '');
  const [maxAge, acrValues] = [said.get('max_age'), said.get('acr_values')];
  return {
    asked: {
      ...(scope === undefined ? {} : { scope }),
      ...(roles.length === 0 ? {} : { roles }),
      ...(permissions.length === 0 ? {} : { permissions }),
      ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
      ...(acrValues === undefined ? {} : { acrValues: acrValues.split(' ') }),
    },
    tellsIdentity: said.has('headers'),
    passesPreflight: said.has('preflight'),
    readsCookie: said.has('cookie'),
    apiKeyHeader: said.get('api_key_header')?.toLowerCase(),
    takesTestKeys: said.has('api_keys'),
  };
}
