import { LIMITS } from './limits.ts';

/** A set of scope names: in the order of their first appearance, without repetition. */
export type Scope = readonly string[];

const NAME = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

export const isScopeName = (name: string): boolean => NAME.test(name);

/**
 * Reads a `scope` parameter; undefined when it breaks the grammar: names of printable ASCII without `"` and `\`,
 * separated by single spaces. Repeated names are folded.
 *
 * @spec RFC 6749 §3.3
 */
export function parseScope(text: string): Scope | undefined {
  if (text.length > LIMITS.scopeCharactersMax) return undefined;
  const names = text.split(' ');
  if (names.length > LIMITS.scopeNamesMax || !names.every(isScopeName)) return undefined;
  return [...new Set(names)];
}

export const formatScope = (scope: Scope): string => scope.join(' ');

export const isSubset = (asked: Scope, allowed: Scope): boolean => asked.every((name) => allowed.includes(name));

export const intersect = (a: Scope, b: Scope): Scope => a.filter((name) => b.includes(name));

/** The scopes that are about the person and not about a resource. @spec OIDC Core §3.1.2.1, §5.4, §11 */
export const IDENTITY_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const;

export const isIdentityScope = (name: string): name is (typeof IDENTITY_SCOPES)[number] =>
  (IDENTITY_SCOPES as readonly string[]).includes(name);
