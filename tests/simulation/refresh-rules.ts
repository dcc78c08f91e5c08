import { ACCESS_COOKIE, REFRESH_COOKIE } from '@latchkey/server/http/cookies';
import type { Books, RefreshRecord, Rotation, Tokens } from './books.ts';
import { credentialOf, type Ends, ofFamily } from './ends.ts';
import type { Observer } from './invariants.ts';
import type { Reply, Watch } from './network.ts';
import { isBare } from './requests.ts';

/** A refresh as the observer sees it. */
interface Presented {
  readonly record: RefreshRecord;
  readonly attempt: string | undefined;
  /** The client is the right one, and proves what it has to. */
  readonly isProper: boolean;
  readonly arrived: number;
  readonly decided: number;
  /** The store's clock, if a decision was made. */
  readonly clock: number | undefined;
}

export interface RefreshRules {
  /** Watches a refresh on its way, and says what must and what must not come of it. */
  watch(text: string, attempt: string | undefined, isProper: boolean): Watch;
}

/** Tokens of an answer, from its body or its cookies. */
export function tokensOf({ body, cookies }: Reply): Tokens | undefined {
  const refresh = body.refresh_token ?? cookies[REFRESH_COOKIE];
  const access = body.access_token ?? cookies[ACCESS_COOKIE];
  return typeof refresh === 'string' && typeof access === 'string' ? { refresh, access } : undefined;
}

/** The earliest exchange that was answered. */
const firstOf = ([first, ...others]: readonly Rotation[]): Rotation | undefined =>
  first === undefined ? undefined : others.reduce((a, b) => (b.decided < a.decided ? b : a), first);

/** Whether an exchange was certainly the first: no other can have been decided before it. */
const isFirst = ({ arrivals }: RefreshRecord, { arrived, decided }: Rotation): boolean =>
  arrivals.every((at) => at === arrived || at > decided);

/**
 * The rules of a refresh, written from what a client sees: which text was given for which, when, and what was answered
 * to have ended. Where two requests overlap in time, what came first is not known, and nothing is claimed.
 */
export function createRefreshRules(observer: Observer, books: Books, ends: Ends): RefreshRules {
  const label = ({ family, age }: RefreshRecord) => `${family.label}.${age}`;

  function granted(presented: Presented, tokens: Tokens): void {
    const { record, arrived, decided, clock } = presented;
    const { family } = record;
    const name = label(record);
    const end = ends.isEnded(credentialOf(record), arrived);
    if (end !== undefined) observer.violate('I1', `${name} was exchanged after the answer to: ${end.what}`);
    if (!presented.isProper) observer.violate('I3', `${name} was exchanged by a client that it was not issued to`);
    const misuse = family.isForgotten ? undefined : misuseOf(presented);
    if (misuse !== undefined) observer.violate('I3', `${name} was exchanged, though ${misuse}`);
    const [before] = record.rotations;
    if (before !== undefined && before.successor !== tokens.refresh && !family.isForgotten)
      observer.violate('I2', `${name} has two successors`);
    record.rotations.push({
      arrived,
      decided,
      clock: clock ?? 0,
      attempt: presented.attempt,
      successor: tokens.refresh,
    });
    const isKept = tokens.refresh === record.text;
    if (isKept !== (family.mode === 'keep')) observer.violate('I2', `${name} was ${isKept ? 'kept' : 'rotated'}`);
    const next = books.refreshed(family, isKept ? record.age : record.age + 1, tokens.refresh);
    books.access(tokens.access, { arrived, decided });
    family.age = Math.max(family.age, next.age);
    family.lastTold = observer.tick();
  }

  /** Why a token must not be exchanged any more, as far as it is certain. */
  function misuseOf(presented: Presented): string | undefined {
    const { record, arrived } = presented;
    const { family, rotations } = record;
    if (family.mode === 'keep') return undefined;
    const first = firstOf(rotations);
    if (first === undefined || first.decided >= arrived) return undefined;
    const successor = books.refreshTokens.get(first.successor);
    if (successor?.rotations.some(({ decided }) => decided < arrived) === true)
      return 'its successor was exchanged as well';
    // where the first exchange may have been another one, it was less than an overlap away from this one
    const overlaps = isFirst(record, first) ? 1 : 2;
    if (isOverlapping(presented, first, overlaps * family.overlap)) return undefined;
    return 'it had a successor, and the overlap was over';
  }

  function isOverlapping({ record, clock, attempt }: Presented, first: Rotation, overlap: number): boolean {
    const { mode } = record.family;
    if (clock === undefined) return false;
    const isByAttempt = isBare(mode) || mode === 'attempt';
    if (isByAttempt && (attempt === undefined || first.attempt !== attempt)) return false;
    return Math.abs(clock - first.clock) < overlap;
  }

  function refused(presented: Presented, error: string): void {
    const { record, arrived } = presented;
    const { family } = record;
    if (family.isForgotten || !presented.isProper) return;
    const now = observer.tick();
    // a token under a revoked MAC key is refused before its family is looked at, so that its reuse is not seen
    if (!ends.isUntouched(credentialOf(record), now) || !ends.isUntouched(ofFamily(family), now)) return;
    if (misuseOf(presented) !== undefined) {
      ends.acknowledge(ends.begin(`reuse of ${label(record)}`, ({ fid }) => fid === family.fid, arrived));
      return;
    }
    if (isPromised(presented))
      observer.violate('L', `${label(record)} was refused (${error}), and should not have been`);
    // nobody knows what was first, so this may have been a reuse
    ends.begin(`possible reuse of ${label(record)}`, ({ fid }) => fid === family.fid, arrived);
  }

  /** Whether a token was certainly good: the last one that there was, or a repeat within the overlap. */
  function isPromised(presented: Presented): boolean {
    const { record, arrived, decided } = presented;
    if ([...record.family.unanswered].some(({ age }) => age <= record.age)) return false;
    const others = (one: RefreshRecord) => one.arrivals.filter((at) => at < decided && at !== arrived);
    const first = firstOf(record.rotations);
    if (first === undefined) return others(record).length === 0;
    const successor = books.refreshTokens.get(first.successor);
    if (first.decided >= arrived || (successor !== record && successor !== undefined && others(successor).length > 0))
      return false;
    if (record.family.mode === 'keep') return true;
    return isFirst(record, first) && isOverlapping(presented, first, record.family.overlap);
  }

  return {
    watch(text, attempt, isProper) {
      const record = books.refreshTokens.get(text);
      if (record === undefined) return {};
      const question = { age: record.age };
      let arrived = 0;
      let decided: number | undefined;
      let clock: number | undefined;
      return {
        arrived() {
          arrived = observer.tick();
          record.arrivals.push(arrived);
          record.family.unanswered.add(question);
        },
        decided(moment) {
          decided = observer.tick();
          clock = moment.now;
        },
        left(reply) {
          record.family.unanswered.delete(question);
          const presented = { record, attempt, isProper, arrived, decided: decided ?? observer.tick(), clock };
          const tokens = reply.status === 200 ? tokensOf(reply) : undefined;
          if (tokens !== undefined) granted(presented, tokens);
          else if (reply.body.error === 'invalid_grant') refused(presented, String(reply.body.error_id));
        },
      };
    },
  };
}
