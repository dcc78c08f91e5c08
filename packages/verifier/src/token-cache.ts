import type { Access } from './access.ts';
import type { Revocable } from './revocation-set.ts';

/** A token that was verified: whether it still is good is asked again at every hit. */
export interface CachedToken {
  /** The whole text: the look-up key is only a part of it. */
  readonly token: string;
  readonly access: Access;
  readonly revocable: Revocable;
  /** Seconds since 1970; leeway included. */
  readonly notAfter: number;
  readonly notBefore: number;
  /** When the server was asked, by the monotonic clock in milliseconds; undefined for what was verified here. */
  readonly askedAt?: number;
}

/** What the server said of a credential. */
export type Answer = CachedToken & { readonly askedAt: number };

/**
 * Verified tokens, by their signature: the part in which two tokens differ. A hit compares the whole text, since the
 * signature of one token can stand behind the claims of another.
 */
export interface TokenCache {
  /** What was verified here; an answer of the server is none. */
  get(token: string): CachedToken | undefined;
  /** What the server said of a text. */
  answer(text: string): Answer | undefined;
  set(entry: CachedToken): void;
  delete(token: string): void;
  clear(): void;
  readonly size: number;
}

const signatureOf = (token: string): string => token.slice(token.lastIndexOf('.') + 1);

export function createTokenCache(max: number): TokenCache {
  const entries = new Map<string, CachedToken>();
  const isAnswer = (entry: CachedToken): entry is Answer => entry.askedAt !== undefined;
  function entryOf(text: string): CachedToken | undefined {
    const entry = entries.get(signatureOf(text));
    return entry !== undefined && entry.token === text ? entry : undefined;
  }
  return {
    get(token) {
      const entry = entryOf(token);
      return entry === undefined || isAnswer(entry) ? undefined : entry;
    },
    answer(text) {
      const entry = entryOf(text);
      return entry !== undefined && isAnswer(entry) ? entry : undefined;
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
