import { SESSION_COOKIE } from '@latchkey/server/http/browser-cookies';
import type { CodeMode } from './books.ts';
import type { CodeRules } from './code-rules.ts';
import { type End, type Ends, takenBack } from './ends.ts';
import type { GuessRules, Reset } from './guess-rules.ts';
import type { Observer } from './invariants.ts';
import type { Reply, Watch } from './network.ts';
import { clientOf } from './requests.ts';
import type { Rows } from './rows.ts';
import type { Person } from './world.ts';

/** For which client a browser is under way, and what that client keeps to itself until the code comes. */
export interface Errand {
  readonly mode: CodeMode;
  readonly verifier: string;
}

/** What somebody does on a page, as far as it matters to the rules. */
export type Deed =
  | { readonly kind: 'look' }
  /** Typed a name and a password, which may be the right one. */
  | { readonly kind: 'sign_in'; readonly person: Person }
  | { readonly kind: 'allow' }
  | { readonly kind: 'sign_out' }
  | { readonly kind: 'take_back'; readonly client: string };

/** A request of a browser, or of whoever has stolen its cookie. */
export interface Step {
  /** The session cookie that it brings. */
  readonly cookie: string | undefined;
  /** It comes from a browser in which somebody has signed in before. */
  readonly isKnown: boolean;
  readonly deed: Deed;
  readonly errand: Errand | undefined;
}

export interface BrowserRules {
  /** Watches a request on its way. */
  watch(step: Step): Watch;
  restoredTo(time: number): void;
}

/** A session of a person in a browser. */
interface Signed {
  readonly sid: string;
  readonly sub: string;
  /** Observer's times between which it began. */
  readonly arrived: number;
  readonly decided: number;
}

interface Cookie {
  readonly sid: string;
  /** Observer's times between which it was made. */
  readonly arrived: number;
  readonly decided: number;
  /** Observer's time at which another one took its place. */
  replacedAt: number;
}

interface Known {
  readonly observer: Observer;
  readonly ends: Ends;
  readonly rows: Rows;
  readonly rules: CodeRules;
  readonly guesses: GuessRules;
}

/** The code in an answer that goes to a client. */
export const codeIn = ({ location }: Reply): string | undefined =>
  location === undefined ? undefined : (new URL(location).searchParams.get('code') ?? undefined);

/** The page says that a client is allowed nothing any more. */
const isTakenBack = ({ location }: Reply): boolean =>
  location !== undefined && ['withdrawn', 'gone'].includes(new URL(location).searchParams.get('notice') ?? '');

/**
 * The rules of what a browser may get: a code only in a session that nobody has ended, by its last cookie; one person
 * in a browser; and a person only by a password that counts.
 */
export function createBrowserRules({ observer, ends, rows, rules, guesses }: Known): BrowserRules {
  const cookies = new Map<string, Cookie>();
  const sessions = new Map<string, Signed>();
  /** Sign-ins of which nobody knows yet what came. */
  const open = new Set<Seen>();

  /** Whether no other sign-in can have made this cookie worthless before this one was decided. */
  const isCurrent = (cookie: Cookie, { arrived, decided }: Seen): boolean =>
    cookie.replacedAt > arrived &&
    [...open].every((other) => other.arrived === arrived || other.arrived > decided) &&
    [...cookies.values()].every(
      (other) => other === cookie || other.sid !== cookie.sid || other.decided < cookie.arrived,
    );

  /** A step that asks for the end of the session whose cookie it brings, or of what was allowed in it. */
  function ending({ cookie, deed }: Step): End | undefined {
    const session = rows.sessionOf(cookie);
    if (session === undefined) return undefined;
    if (deed.kind === 'sign_out') return ends.begin('a sign-out in a browser', ({ sid }) => sid === session.sid);
    if (deed.kind === 'take_back') return ends.begin('what takes a consent back', takenBack(session.sub, deed.client));
    if (deed.kind !== 'sign_in' || deed.person.sub === session.sub) return undefined;
    return ends.begin(`${deed.person.name} signs in instead`, ({ sid }) => sid === session.sid);
  }

  function signedIn(person: Person, step: Step, now: string, seen: Seen): void {
    const { arrived, decided } = seen;
    const session = rows.sessionOf(now);
    if (session === undefined) {
      observer.violate('I10', `${person.name} is signed in, which is not on disk`);
      return;
    }
    const { sid, sub } = session;
    if (sub !== person.sub) observer.violate('C', `${person.name} was signed in as somebody else`);
    if ((person.disabledSince ?? Number.POSITIVE_INFINITY) < arrived)
      observer.violate('I1', `${person.name} signed in though the account is disabled`);
    if (!step.isKnown) seen.reset?.accepted();
    if (!sessions.has(sid)) sessions.set(sid, { sid, sub, arrived, decided });
    cookies.set(now, { sid, arrived, decided, replacedAt: Number.POSITIVE_INFINITY });
    const before = step.cookie === undefined ? undefined : cookies.get(step.cookie);
    if (before === undefined) return;
    if (before.sid === sid) before.replacedAt = Math.min(before.replacedAt, observer.tick());
    else if (seen.end !== undefined && isCurrent(before, seen)) ends.acknowledge(seen.end);
  }

  function issued(text: string, cookie: string | undefined, errand: Errand, seen: Seen): void {
    const { arrived, decided, asked } = seen;
    const row = rows.codeOf(text);
    if (row === undefined) {
      observer.violate('I10', 'a code was given that is not on disk');
      return;
    }
    const code = rules.issued({ text, row, asked, ...errand }, { arrived, decided });
    const session = sessions.get(row.sessionId);
    if (session === undefined) return;
    const credential = { fid: row.familyId, sid: session.sid, sub: session.sub, client: row.clientId };
    const end = ends.isEnded(rules.consented({ ...credential, decided: session.decided }), arrived);
    if (end !== undefined) observer.violate('I1', `${code.label} was given after the answer to: ${end.what}`);
    const known = cookie === undefined ? undefined : cookies.get(cookie);
    if (known !== undefined && known.replacedAt < arrived)
      observer.violate('I1', `${code.label} was given for a cookie that another one has replaced`);
  }

  return {
    watch(step) {
      const { deed, errand } = step;
      const seen: Seen = { arrived: 0, decided: 0, asked: 0, end: undefined, reset: undefined, isAllowed: undefined };
      return {
        arrived() {
          seen.arrived = observer.tick();
          seen.asked = observer.now();
          seen.end = ending(step);
          if (deed.kind === 'sign_in') {
            seen.reset = guesses.reset(deed.person);
            open.add(seen);
          }
          const session = rows.sessionOf(step.cookie);
          if (deed.kind === 'allow' && session !== undefined && errand !== undefined)
            seen.isAllowed = rules.consents(session.sub, clientOf(errand.mode).id);
        },
        decided() {
          seen.decided = observer.tick();
        },
        left(reply) {
          if (seen.decided === 0) seen.decided = observer.tick();
          const now = reply.cookies[SESSION_COOKIE];
          const text = codeIn(reply);
          open.delete(seen);
          if (now === '' && seen.end !== undefined && deed.kind === 'sign_out') ends.acknowledge(seen.end);
          if (seen.end !== undefined && deed.kind === 'take_back' && isTakenBack(reply)) ends.acknowledge(seen.end);
          if (now !== undefined && now !== '' && deed.kind === 'sign_in') signedIn(deed.person, step, now, seen);
          if (text !== undefined && errand !== undefined) issued(text, now ?? step.cookie, errand, seen);
          seen.reset?.over();
          seen.isAllowed?.();
        },
      };
    },
    restoredTo(time) {
      for (const cookie of cookies.values()) if (cookie.replacedAt > time) cookie.replacedAt = Number.POSITIVE_INFINITY;
    },
  };
}

/** What is seen of one request on its way. */
interface Seen {
  arrived: number;
  decided: number;
  /** True time at which it came in. */
  asked: number;
  end: End | undefined;
  reset: Reset | undefined;
  isAllowed: (() => void) | undefined;
}
