import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ERRORS, type ErrorId, errorRow } from '@latchkey/protocol/errors';
import type { Context } from './context.ts';
import { EXIT, Stop } from './exit-codes.ts';
import type { Json } from './output.ts';

/** The admin API, called as anyone could: with a client credential and nothing else. */
export interface Admin {
  get(path: string, query?: Readonly<Record<string, string>>): Promise<Json>;
  post(path: string, body?: Json): Promise<Json>;
  put(path: string, body: Json): Promise<Json>;
  delete(path: string, query?: Readonly<Record<string, string>>): Promise<Json>;
  /** All items of a list, page by page. */
  all(path: string, query?: Readonly<Record<string, string>>): Promise<readonly Json[]>;
}

interface Credential {
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
}

export const CREDENTIAL_VARIABLE = 'LATCHKEY_CREDENTIAL';
export const CREDENTIAL_FILE = '.latchkey/admin.json';
const REQUEST_MILLISECONDS = 30_000;
/** The largest page, and pages of one list. */
const PAGE = '200';
const PAGES_MAX = 10_000;

/** Gets an access token for the admin API with the credential file that a flag, the environment or the default names. */
export async function openAdmin(context: Context, flag: string | undefined): Promise<Admin> {
  const file = flag ?? context.env[CREDENTIAL_VARIABLE] ?? CREDENTIAL_FILE;
  const credential = readCredential(resolve(context.cwd, file), file);
  const base = `${credential.issuer}/admin/api`;
  let token = await fetchToken(context, credential, base, file);

  async function bearer(): Promise<string> {
    if (performance.now() > token.goodUntil) token = await fetchToken(context, credential, base, file);
    return `Bearer ${token.value}`;
  }

  async function call(method: string, path: string, query: Readonly<Record<string, string>> = {}, body?: Json) {
    const search = new URLSearchParams(query).toString();
    const answer = await send(context, `${base}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers: { authorization: await bearer(), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 400) throw refusal(answer.status, answer.body);
    return answer.body;
  }

  return {
    get: (path, query) => call('GET', path, query),
    post: (path, body = {}) => call('POST', path, {}, body),
    put: (path, body) => call('PUT', path, {}, body),
    delete: (path, query) => call('DELETE', path, query),
    async all(path, query = {}) {
      const items: Json[] = [];
      let after: Readonly<Record<string, string>> = {};
      for (let page = 0; page < PAGES_MAX; page++) {
        const answer = await call('GET', path, { ...query, limit: PAGE, ...after });
        items.push(...itemsOf(answer));
        if (answer.next === undefined) break;
        after = { after: String(answer.next) };
      }
      return items;
    },
  };
}

/** The items of a list of the admin API. */
export const itemsOf = (answer: Json): readonly Json[] =>
  Array.isArray(answer.items) ? answer.items.filter(isObject) : [];

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

function readCredential(path: string, shown: string): Credential {
  const mend = `Run latchkey init, or name the file: --credential FILE, or ${CREDENTIAL_VARIABLE}.`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0)
      throw new Stop(EXIT.unauthorised, `${shown} can be read by others.`, `Run chmod 600 ${shown}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(EXIT.unauthorised, `There is no credential in ${shown} (${String(error.code)}).`, mend);
    throw error;
  }
  const value = parse(text);
  if (isObject(value)) {
    const { issuer, client_id, client_secret } = value;
    if (typeof issuer === 'string' && typeof client_id === 'string' && typeof client_secret === 'string')
      return { issuer, client_id, client_secret };
  }
  throw new Stop(EXIT.usage, `${shown} does not hold issuer, client_id and client_secret as JSON.`, mend);
}

interface HeldToken {
  readonly value: string;
  /** On this process's monotonic clock, a little before it expires. */
  readonly goodUntil: number;
}

async function fetchToken(
  context: Context,
  credential: Credential,
  resource: string,
  file: string,
): Promise<HeldToken> {
  const pair = [credential.client_id, credential.client_secret].map(encodeURIComponent).join(':');
  const { status, body } = await send(context, `${credential.issuer}/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }).toString(),
  });
  if (status === 200 && typeof body.access_token === 'string')
    return { value: body.access_token, goodUntil: performance.now() + (Number(body.expires_in) - 30) * 1000 };
  if (status === 429 || status >= 500) throw refusal(status, body);
  throw new Stop(
    EXIT.unauthorised,
    `The server does not accept the credential in ${file}${said(body)}.`,
    'Was its secret replaced, or its client deleted? latchkey init makes a new one where the data are.',
  );
}

interface Answered {
  readonly status: number;
  readonly body: Json;
}

async function send(context: Context, url: string, init: RequestInit): Promise<Answered> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(REQUEST_MILLISECONDS)]);
  try {
    const response = await context.fetch(url, { ...init, redirect: 'error', signal });
    const value = parse(await response.text());
    return { status: response.status, body: isObject(value) ? value : {} };
  } catch (error) {
    if (context.signal.aborted) throw new Stop(EXIT.interrupted, 'Interrupted.');
    throw new Stop(
      EXIT.unreachable,
      `There is no answer from ${new URL(url).origin} (${reasonOf(error)}).`,
      'Does the server run? latchkey serve. The address is the issuer in the credential file.',
    );
  }
}

const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.name : 'unknown';
};

/** What the server said no to, in its own words. */
function refusal(status: number, body: Json): Stop {
  const message = `${typeof body.detail === 'string' ? body.detail : `Refused with ${status}.`}${said(body)}`;
  const mend = mendOf(body);
  if (status === 404) return new Stop(EXIT.notFound, message, mend);
  if (status === 401 || (status === 403 && body.error === 'insufficient_scope'))
    return new Stop(EXIT.unauthorised, message, mend);
  if ([429, 502, 503, 504].includes(status)) return new Stop(EXIT.unreachable, message, mend);
  return new Stop(status >= 500 ? EXIT.fault : EXIT.refused, message, mend);
}

/** What to do, from the catalogue of errors: the answer names its row where that may be told. */
function mendOf({ type, error_id: id }: Json): string | undefined {
  const name = String(type).split('#')[1] ?? '';
  const mend = Object.hasOwn(ERRORS, name) ? errorRow(name as ErrorId).mend : undefined;
  const more = typeof id === 'string' ? `More: latchkey token explain ${id}` : undefined;
  return [mend, more].filter((part) => part !== undefined).join(' ') || undefined;
}

const said = ({ error }: Json): string => (typeof error === 'string' ? ` (${error})` : '');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
