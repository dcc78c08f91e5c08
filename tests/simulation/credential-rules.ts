import type { Access, ErrorId, Result } from '@latchkey/verifier';
import { BEGINNING } from './clock.ts';
import type { Delivery } from './feed-line.ts';
import type { Observer } from './invariants.ts';
import type { Policy } from './verifier-rules.ts';

/** A credential that somebody was given, and what was answered about it since. */
export interface CredentialRecord {
  readonly label: string;
  readonly kind: 'jwt' | 'opaque' | 'api_key';
  readonly text: string;
  /** Only for API keys, of which several texts may be one key. */
  readonly key: KeyRecord | undefined;
  /** True time at which it ends by itself at the latest. */
  readonly expiresAt: number;
  /** Somebody has asked for its end, or for another secret in its place. */
  isTouched: boolean;
  /** Its end, once it was answered. */
  end: AnsweredEnd | undefined;
}

/** What was answered to end at one time, and when it was answered. */
export interface AnsweredEnd {
  readonly what: string;
  readonly from: number;
  readonly answeredAt: number;
}

/** An API key, whatever its secret. */
export interface KeyRecord {
  readonly id: string;
  readonly owner: string;
  readonly quota: number | undefined;
  /** Requests that were let in with it, by all verifiers. */
  uses: number;
  /** True time of the answer by which it may only read. */
  narrowedAt: number;
}

/** One verifier as the observer sees it, from its start to its end. */
export interface CredentialWatch {
  delivered(delivery: Delivery): void;
  /** A question about a credential comes in at the server; what is called then hears whether it is active. */
  introspects(record: CredentialRecord | undefined): (isActive: boolean) => void;
  /** A credential comes in at the API; what is called then says what became of it. */
  verifies(record: CredentialRecord): (found: Result<Access, ErrorId>) => void;
}

/** How long an answer may be believed where the feed is lost. @spec INT-10 */
const ANSWER_KEPT = 60_000;
/** Times of tokens are whole seconds. */
const SECOND = 1_000;
/** A token is so much older when its holder gets it. */
const ISSUING = 3_000;
/** What says that a credential is no good. */
const NOT_GOOD: ReadonlySet<ErrorId> = new Set(['token_revoked', 'token_inactive', 'token_expired']);

export function watchCredentials(name: string, policy: Policy, observer: Observer): CredentialWatch {
  const told = new Set<string>();
  const answers = new Map<string, number>();
  let lastLeftAt = Number.NEGATIVE_INFINITY;

  function judge({ label, text, key, expiresAt, end }: CredentialRecord, began: number, access: Access): void {
    const accepted = `${name} accepted ${label}`;
    const violate = (what: string) => observer.violate('I1', `${accepted} ${what}`);
    if (began >= expiresAt + SECOND) violate('after its own end');
    const age = began - lastLeftAt;
    const askedAt = answers.get(text) ?? Number.NEGATIVE_INFINITY;
    if (age > policy.staleAfter) {
      // what it knows is too old: it may go by a young answer, or for a while by its policy, and says so
      if (policy.onStale !== 'reject' && began - askedAt <= ANSWER_KEPT) return;
      const isAllowed = policy.onStale === 'accept' && access.stale && age <= policy.staleAfter + policy.acceptFor;
      if (!isAllowed) violate(`${age} ms after the last it had heard`);
      return;
    }
    const heard = began - policy.staleAfter;
    if (end !== undefined && end.answeredAt < heard && end.from < began)
      violate(`long after the answer to: ${end.what}`);
    if (key !== undefined && key.narrowedAt < heard && access.scope.includes('write'))
      violate('for more than it may be used for by now');
  }

  return {
    delivered({ text, leftAt }) {
      lastLeftAt = Math.max(lastLeftAt, leftAt);
      for (const [, kind, id] of text.matchAll(/"kind":"(token|api_key)","id":"([^"]+)"/g)) told.add(`${kind} ${id}`);
    },
    introspects(record) {
      const arrived = observer.now();
      return (isActive) => {
        if (!isActive || record === undefined) return;
        answers.set(record.text, arrived);
        const { end, label } = record;
        if (end !== undefined && end.answeredAt < arrived && end.from < arrived)
          observer.violate('I1', `introspection called ${label} active after: ${end.what}`);
      };
    },
    verifies(record) {
      const began = observer.now();
      const toldThen = new Set(told);
      return (found) => {
        const { label, key } = record;
        if (!found.ok) {
          if (NOT_GOOD.has(found.error) && !record.isTouched && observer.now() < record.expiresAt - ISSUING)
            observer.violate('L', `${name} said ${found.error} of ${label}, which nobody has ended`);
          return;
        }
        const { jti, api_key: id } = found.value.claims;
        if (toldThen.has(`token ${jti}`) || toldThen.has(`api_key ${String(id)}`))
          observer.violate('I1', `${name} accepted ${label} though it was told of its end`);
        judge(record, began, found.value);
        if (key === undefined) return;
        key.uses += 1;
        if (key.quota !== undefined && key.uses > key.quota)
          observer.violate('Q', `${label} was used ${key.uses} times, and may be ${key.quota} times`);
      };
    },
  };
}

/** True time of a moment on a clock that is right. */
export const trueTime = (at: number): number => at - BEGINNING;
