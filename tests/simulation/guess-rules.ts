import { FAILURES_MAX } from '@latchkey/domain/accounts/throttle';
import type { AccountId } from '@latchkey/protocol/types';
import type { MemoryStore } from '@latchkey/testkit/memory-store';
import { accountOf } from './deployment.ts';
import type { Observer } from './invariants.ts';
import type { Person } from './world.ts';

/** Something after which the count of wrong guesses may have begun anew: a login, or another password. */
export interface Reset {
  /** The server has answered; until then nobody knows whether the count has begun anew. */
  over(): void;
  /** It was a login or a change by the owner, and it was accepted. */
  accepted(): void;
}

export interface GuessRules {
  /** A wrong guess came in at this time of the observer, and was answered as one. */
  wrong(person: Person, arrived: number): void;
  /** Somebody who has the password comes in with it. */
  reset(person: Person): Reset;
  /** An administrator sets another password, which is the end of the lock. */
  unlock(person: Person): Reset;
  /** Whatever was answered is on disk. */
  check(state: MemoryStore['committed']): void;
  /** An older database is back, and with it an older count. */
  restored(): void;
}

interface Count {
  readonly person: Person;
  readonly account: AccountId;
  /** Wrong guesses before the first reset that is known of. */
  before: number;
  /** Observer's times at which wrong guesses came in that were answered as such. */
  wrong: number[];
  /** Observer's time after which the last reset is over for certain; endless while one is under way. */
  resets: { over: number }[];
  /** Observer's time since which so many guesses were answered that nobody may sign in. */
  lockedAt: number;
}

/**
 * The rules of guessing (G), from the answers alone: each guess that was answered as wrong counts, whatever dies, and
 * after so many in a row the password signs nobody in until an administrator sets another.
 */
export function createGuessRules(
  observer: Observer,
  people: readonly Person[],
  before: Readonly<Record<string, number>>,
): GuessRules {
  const fresh = (person: Person, guesses: number): Count => ({
    person,
    account: accountOf(person.name),
    before: guesses,
    wrong: [],
    resets: [],
    lockedAt: Number.POSITIVE_INFINITY,
  });
  const counts = new Map(people.map((person) => [person.name, fresh(person, before[person.name] ?? 0)]));
  const countOf = (person: Person): Count => counts.get(person.name) ?? fresh(person, 0);

  /** How many guesses in a row have certainly failed. */
  function atLeast({ before: known, wrong, resets }: Count): number {
    if (resets.length === 0) return known + wrong.length;
    const last = Math.max(...resets.map(({ over }) => over));
    return wrong.filter((arrived) => arrived > last).length;
  }

  function begin(count: Count): Reset {
    const arrived = observer.tick();
    const reset = { over: Number.POSITIVE_INFINITY };
    count.resets.push(reset);
    return {
      over() {
        reset.over = observer.tick();
      },
      accepted() {
        if (count.lockedAt < arrived)
          observer.violate('G', `${count.person.name} proved a password that ${FAILURES_MAX} guesses have ended`);
      },
    };
  }

  return {
    wrong(person, arrived) {
      const count = countOf(person);
      count.wrong.push(arrived);
      if (atLeast(count) >= FAILURES_MAX) count.lockedAt = Math.min(count.lockedAt, observer.tick());
    },
    reset: (person) => begin(countOf(person)),
    unlock(person) {
      const count = countOf(person);
      count.lockedAt = Number.POSITIVE_INFINITY;
      return begin(count);
    },
    check(state) {
      for (const count of counts.values()) {
        const failures = state.passwords.get(count.account)?.failures ?? 0;
        const least = atLeast(count);
        if (failures < least)
          observer.violate(
            'I10',
            `${least} guesses at ${count.person.name} were answered, and ${failures} are on disk`,
          );
      }
    },
    restored() {
      for (const name of counts.keys()) {
        const { person } = counts.get(name) ?? {};
        if (person !== undefined) counts.set(name, fresh(person, 0));
      }
    },
  };
}
