import { fetchToken } from './access-token.ts';
import type { Context } from './context.ts';
import { credentialFileOf, readCredential } from './credential.ts';
import { isObject, send } from './http.ts';
import type { Json } from './output.ts';
import { refusal } from './refusal.ts';

/** The admin API, called as anyone could: with the credential of a client or the sign-in of a person, and nothing else. */
export interface Admin {
  get(path: string, query?: Readonly<Record<string, string>>): Promise<Json>;
  post(path: string, body?: Json): Promise<Json>;
  put(path: string, body: Json): Promise<Json>;
  patch(path: string, body: Json): Promise<Json>;
  delete(path: string, query?: Readonly<Record<string, string>>): Promise<Json>;
  /** All items of a list, page by page. */
  all(path: string, query?: Readonly<Record<string, string>>): Promise<readonly Json[]>;
}

/** The largest page, and pages of one list. */
const PAGE = '200';
const PAGES_MAX = 10_000;

/** Gets an access token for the admin API with the credential file that a flag, the environment or the default names. */
export async function openAdmin(context: Context, flag: string | undefined): Promise<Admin> {
  const file = credentialFileOf(context, flag);
  const base = `${readCredential(file).issuer}/admin/api`;
  let token = await fetchToken(context, file);

  async function bearer(): Promise<string> {
    if (performance.now() > token.goodUntil) token = await fetchToken(context, file);
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
    patch: (path, body) => call('PATCH', path, {}, body),
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
