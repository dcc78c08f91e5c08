import type { ApiServer } from './api-server.ts';
import type { Books } from './books.ts';
import type { BrowserRules } from './browser-rules.ts';
import type { WallClock } from './clock.ts';
import type { CodeRules } from './code-rules.ts';
import type { Database } from './database.ts';
import type { Device } from './device.ts';
import type { Ends } from './ends.ts';
import type { GuessRules } from './guess-rules.ts';
import type { Observer } from './invariants.ts';
import type { Network, Reply } from './network.ts';
import type { ServerNode } from './node.ts';
import type { Random } from './random.ts';
import type { RefreshRules } from './refresh-rules.ts';
import type { Scheduler } from './scheduler.ts';

/** A person with a password, as they know it. */
export interface Person {
  readonly name: string;
  readonly sub: string;
  /** The last one is tried first; after a change whose answer was lost there are two. */
  passwords: readonly string[];
  /** Observer's time since which an administrator's answer says that the account is disabled. */
  disabledSince: number | undefined;
}

/** All that there is in one history. */
export interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clock: WallClock;
  readonly database: Database;
  readonly node: ServerNode;
  readonly network: Network;
  readonly observer: Observer;
  readonly books: Books;
  readonly ends: Ends;
  readonly rules: RefreshRules;
  readonly codes: CodeRules;
  readonly browsing: BrowserRules;
  readonly guesses: GuessRules;
  readonly people: readonly Person[];
  readonly devices: readonly Device[];
  readonly apis: readonly ApiServer[];
  readonly overlap: number;
  /** By how much clocks are wrong at most, in milliseconds. */
  readonly skew: number;
  /** True time at which the node's clock was last set. */
  clockSetAt: number;
  /** What an answer was, in words: its status, and why it was refused. */
  outcome(reply: Reply | undefined): string;
  /** Why the server refused, as its own ring of refusals knows it. */
  reasonOf(reply: Reply | undefined): string | undefined;
  /** Writes a line of the trace. */
  note(who: string, what: string): void;
}
