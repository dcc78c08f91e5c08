import type { AuthorizationCode } from '@latchkey/domain/authorization/code';
import type { AccountId, SessionId } from '@latchkey/protocol/types';
import { secretHash } from '@latchkey/server/prove/secret';
import type { MemoryStore } from '@latchkey/testkit/memory-store';

type State = MemoryStore['committed'];

/** What a session is called. */
export interface SessionName {
  readonly sid: SessionId;
  readonly sub: AccountId;
}

/**
 * Of which row a cookie or a code is. No answer tells it, so that it is read on the disk, once, when the row comes to
 * be: the names alone, for whether something lives is nothing that the code under test is asked for.
 */
export interface Rows {
  /** What was on disk before a commit, and what is there now. */
  committed(before: State, after: State): void;
  sessionOf(cookie: string | undefined): SessionName | undefined;
  codeOf(text: string): AuthorizationCode | undefined;
}

export function createRows(): Rows {
  const sessions = new Map<string, SessionName>();
  const codes = new Map<string, AuthorizationCode>();
  return {
    committed(before, after) {
      if (before.sessions !== after.sessions)
        for (const { id, accountId, cookie } of after.sessions.values())
          if (cookie !== undefined) sessions.set(cookie.hash, { sid: id, sub: accountId });
      if (before.codes !== after.codes)
        for (const [hash, code] of after.codes) if (!codes.has(hash)) codes.set(hash, code);
    },
    sessionOf: (cookie) => (cookie === undefined ? undefined : sessions.get(secretHash(cookie))),
    codeOf: (text) => codes.get(secretHash(text)),
  };
}
