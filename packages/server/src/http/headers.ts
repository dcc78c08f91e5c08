/** What every answer with tokens, codes, secrets or claims carries. @spec OAuth 2.1 token response, RFC 7662 §4 */
export const NO_STORE: Readonly<Record<string, string>> = { 'cache-control': 'no-store', pragma: 'no-cache' };

const JSON_HEADERS = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', ...NO_STORE };

/** An answer with a JSON body that nobody may keep. */
export const json = (body: unknown, status = 200, headers?: Readonly<Record<string, string>>): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers },
  });

/** An answer without a body. */
export const empty = (status = 204, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(null, { status, headers: { ...NO_STORE, ...headers } });
