import type { ErrorId } from './errors.ts';
import { LIMITS } from './limits.ts';
import { fail, ok, type Result } from './result.ts';

/** The request that a proxy asks about, as its client sent it. */
export interface ForwardedRequest {
  readonly method: string;
  /** Path and query, to the letter. */
  readonly uri: string;
}

/** A call of a proxy that wants to know whether a request may pass. */
export interface ForwardCall {
  /** The method of the call itself. */
  readonly method: string;
  /** What stands behind `/verify/{resource}` in the call's own path, query and all; empty where nothing does. */
  readonly rest: string;
  /** A header by its name in lower case; several of one name joined with a comma. */
  readonly header: (name: string) => string | undefined;
}

/** Where proxies say it: nginx by these names, as its guides have them; Traefik and Caddy by those, always. */
const PAIRS = [
  ['x-original-method', 'x-original-uri'],
  ['x-forwarded-method', 'x-forwarded-uri'],
] as const;

/**
 * Reads which request a forward-auth call is about: from `X-Original-*` (nginx), from `X-Forwarded-*` (Traefik, Caddy),
 * or, where something stands behind the resource, from the call itself (Envoy). All that is said must say the same: a
 * header that the client has sent along cannot put another request in the place of the proxy's.
 *
 * A proxy chooses by the path which question it asks, and so does the API behind it which thing it gives out. A path that
 * the two may read differently is refused, whatever the proxy makes of it.
 *
 * @returns `forwarded_request_missing`, `forwarded_request_ambiguous`, `forwarded_request_malformed`,
 *   `forwarded_path_refused`
 */
export function parseForwardedRequest({ method, rest, header }: ForwardCall): Result<ForwardedRequest, ErrorId> {
  const own = rest === '' ? [] : [{ method, uri: rest }];
  const pairs = PAIRS.map(([ofMethod, ofUri]) => ({ method: header(ofMethod), uri: header(ofUri) }));
  const said = [...own, ...pairs];
  const whole = said.find((pair): pair is ForwardedRequest => pair.method !== undefined && pair.uri !== undefined);
  if (whole === undefined) return fail('forwarded_request_missing');
  const agrees = (pair: Partial<Record<keyof ForwardedRequest, string | undefined>>) =>
    (pair.method ?? whole.method) === whole.method && (pair.uri ?? whole.uri) === whole.uri;
  if (!said.every(agrees)) return fail('forwarded_request_ambiguous');
  const isMethod = whole.method.length <= LIMITS.methodMax && METHOD.test(whole.method);
  const isOriginForm = whole.uri.length <= LIMITS.forwardedUriMax && ORIGIN_FORM.test(whole.uri);
  if (!isMethod || !isOriginForm) return fail('forwarded_request_malformed');
  return hasOneReading(whole.uri.replace(/\?.*/, '')) ? ok(whole) : fail('forwarded_path_refused');
}

/** @spec RFC 9110 §5.6.2, §9.1 */
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A path that is no authority, of printable ASCII and without a fragment. @spec RFC 9112 §3.2.1 */
const ORIGIN_FORM = /^\/(?!\/)[!"$-~]*$/;

/** What some readers take for a dot, a slash, a backslash or a control character, encoded once or more, or overlong. */
const ENCODED_DETOUR = /%(?:25)*(?:2e|2f|5c|[01][0-9a-f]|7f|c0|c1)/i;
const BROKEN_ENCODING = /%(?![0-9a-f]{2})/i;
/** A letter or a digit, which nobody needs to encode: who chooses by the path as it came does not find it again. */
const ENCODED_LETTER = /%(?:3\d|[46][1-9a-f]|[57][0-9a])/i;
/** A dot segment, with the parameters that some servers cut off, and that nginx decodes. */
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:(?:;|%(?:25)*3b)[^/]*)?(?:\/|$)/i;

/** Whether every reader of a path finds the same one. @spec RFC 3986 §5.2.4, §6.2.2 (CVE-2026-3872: `..;`) */
const hasOneReading = (path: string): boolean =>
  !path.includes('\\') && ![ENCODED_DETOUR, ENCODED_LETTER, BROKEN_ENCODING, DOT_SEGMENT].some((one) => one.test(path));
