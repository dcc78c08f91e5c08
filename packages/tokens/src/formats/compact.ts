import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Signer } from '../keys/signer.ts';
import { decodeBase64url, encodeBase64url, encodeTextBase64url } from './base64url.ts';
import { type JsonObject, member, parseStrictJson } from './strict-json.ts';

/** The protected header of a JWS, as far as anything of it is used. Key material in it is never looked at. */
export interface JwsHeader {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
}

/** A compact JWS, taken apart. Nothing of its payload is to be believed before the signature is checked. */
export interface CompactJws {
  readonly header: JwsHeader;
  /** What was signed: header and payload as they came. */
  readonly input: string;
  readonly payload: string;
  readonly signature: Uint8Array;
}

const encodeJson = (value: unknown): string => encodeTextBase64url(JSON.stringify(value));

/**
 * Headers repeat with every token of a key: those seen before are not read again. Bounded, since whoever sends tokens
 * chooses their headers; only well-formed ones are kept.
 */
export interface HeaderCache {
  get(segment: string): JwsHeader | undefined;
  set(segment: string, header: JwsHeader): void;
}

export function createHeaderCache(max = 64): HeaderCache {
  const known = new Map<string, JwsHeader>();
  return {
    get: (segment) => known.get(segment),
    set(segment, header) {
      if (known.size >= max) known.clear();
      known.set(segment, header);
    },
  };
}

/**
 * Takes a compact JWS apart: size, three parts, canonical base64url, and a header of which everything is understood.
 *
 * @param max characters, where it is no token of a request
 * @returns `token_too_large`, `token_malformed`, `token_critical_header`
 * @spec RFC 7515 §5.2, §7.1; RFC 7797 §7 (`b64` has no place in a JWT)
 */
export function parseCompact(
  token: string,
  headers: HeaderCache,
  max: number = LIMITS.tokenMax,
): Result<CompactJws, ErrorId> {
  if (token.length > max) return fail('token_too_large');
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (first <= 0 || second < 0 || token.indexOf('.', second + 1) >= 0) return fail('token_malformed');
  const segment = token.slice(0, first);
  const header = headers.get(segment) ?? parseHeader(segment);
  if (typeof header === 'string') return fail(header);
  const signature = decodeBase64url(token.slice(second + 1));
  if (signature === undefined) return fail('token_malformed');
  headers.set(segment, header);
  return ok({ header, input: token.slice(0, second), payload: token.slice(first + 1, second), signature });
}

function parseHeader(segment: string): JwsHeader | ErrorId {
  const bytes = decodeBase64url(segment);
  const json = bytes === undefined ? undefined : parseStrictJson(bytes);
  if (json === undefined) return 'token_malformed';
  // No extension is understood, so a list of critical ones always names something that is not, or is malformed.
  if (Object.hasOwn(json, 'crit') || Object.hasOwn(json, 'b64')) return 'token_critical_header';
  const [alg, kid, typ] = [member(json, 'alg'), member(json, 'kid'), member(json, 'typ')];
  if (typeof alg !== 'string' || !isText(kid) || !isText(typ)) return 'token_malformed';
  if (kid !== undefined && kid.length > LIMITS.kidMax) return 'token_malformed';
  return { alg, kid, typ };
}

const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';

/** Reads the payload of a JWS as claims; undefined when they are no canonical UTF-8 JSON object. */
export function parsePayload(payload: string): JsonObject | undefined {
  const bytes = decodeBase64url(payload);
  return bytes === undefined ? undefined : parseStrictJson(bytes);
}

/** The headers of tokens differ by key and type only. */
const encodedHeaders = new WeakMap<Signer, Map<string, string>>();

function encodedHeader(signer: Signer, typ: string): string {
  const known = encodedHeaders.get(signer) ?? new Map<string, string>();
  encodedHeaders.set(signer, known);
  const header = known.get(typ) ?? encodeJson({ alg: signer.alg, kid: signer.kid, typ });
  known.set(typ, header);
  return header;
}

/** Signs claims as a compact JWS. @spec RFC 7515 §7.1 */
export function signCompact(typ: string, claims: object, signer: Signer): string {
  const input = `${encodedHeader(signer, typ)}.${encodeJson(claims)}`;
  return `${input}.${encodeBase64url(signer.sign(input))}`;
}
