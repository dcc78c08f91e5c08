import { LIMITS } from '@latchkey/protocol/limits';
import type { ResourceIdentifier } from '@latchkey/protocol/types';

const URN = /^urn:[a-z0-9][a-z0-9-]{1,30}:[A-Za-z0-9()+,\-.:=@;$_!*'/]+$/;
const API = /^api:\/\/[a-z0-9][a-z0-9.-]*(\/[A-Za-z0-9._~-]+)*$/;
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * Reads the identifier of a new resource; undefined when it is not an absolute URI without a fragment, in its canonical
 * form. The schemes are a list of good ones: what runs code or reads files in some reader is not on it, in any case.
 *
 * @spec RFC 8707 §2
 */
export function parseResourceIdentifier(text: string): ResourceIdentifier | undefined {
  if (text.length > LIMITS.resourceIdentifierMax) return undefined;
  return isCanonicalHttp(text) || URN.test(text) || API.test(text) ? (text as ResourceIdentifier) : undefined;
}

/** What a parser would change (case, default port, dot segments, spaces) is refused, so that one API has one spelling. */
function isCanonicalHttp(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false;
  if (url.username !== '' || url.password !== '' || text.includes('#')) return false;
  return url.href === text || url.href === `${text}/`;
}

/**
 * Whether a text may be the `aud` of a resource beside its identifier. A plain name holds no colon, so it is never
 * another resource's identifier, nor the issuer.
 */
export const isPlainAudience = (text: string): boolean => PLAIN_NAME.test(text);

/** Two identifiers that people, or careless code, take for one another have one likeness. */
export const likeness = (text: string): string => text.toLowerCase().replace(/\/+$/, '');
