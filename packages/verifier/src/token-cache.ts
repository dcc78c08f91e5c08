import type { Access } from './access.ts';
import type { Revocable } from './revocation-set.ts';

/** A token that was verified: whether it still is good is asked again at every hit. */
export interface CachedToken {
  /** The whole text: the look-up key is only a part of it. Of what the server was asked about, the hash of the text. */
  readonly token: string;
  readonly access: Access;
  readonly revocable: Revocable;
  /** Seconds since 1970; leeway included. */
  readonly notAfter: number;
  readonly notBefore: number;
  /** When the server was asked, by the monotonic clock in milliseconds; undefined for what was verified here. */
  readonly askedAt?: number;
}

/**
 * Verified tokens, by their signature: the part in which two tokens differ. A hit compares the whole text, since the
 * signature of one token can stand behind the claims of another.
 */
export interface TokenCache {
  get(token: string): CachedToken | undefined;
  set(entry: CachedToken): void;
  delete(token: string): void;
  clear(): void;
  readonly size: number;
}

const signatureOf = (token: string): string => token.slice(token.lastIndexOf('.') + 1);

export function createTokenCache(max: number): TokenCache {
  const entries = new Map<string, CachedToken>();
  return {
    get(token) {
      const entry = entries.get(signatureOf(token));
      return entry !== undefined && entry.token === token ? entry : undefined;
    },
    set(entry) {
      if (entries.size >= max) {
        const [oldest] = entries.keys();
        if (oldest !== undefined) entries.delete(oldest);
      }
      entries.set(signatureOf(entry.token), entry);
    },
    delete: (token) => void entries.delete(signatureOf(token)),
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
  };
}
