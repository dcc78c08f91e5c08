import { createHash } from 'node:crypto';

/** The members that identify a key of each kind, in lexicographic order. @spec RFC 7638 §3.2, RFC 8037 §2 */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/** The SHA-256 thumbprint of a public key, as base64url: our `kid`. @spec RFC 7638 §3 */
export function thumbprint(jwk: object): string {
  const parts = new Map(Object.entries(jwk));
  const members = REQUIRED[String(parts.get('kty'))];
  if (members === undefined) throw new TypeError('no thumbprint is defined for this kind of key');
  const canonical = Object.fromEntries(members.map((name) => [name, parts.get(name)]));
  return createHash('sha256').update(JSON.stringify(canonical)).digest('base64url');
}
