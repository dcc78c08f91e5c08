import type { Sources } from './freshness.ts';
import type { Introspector } from './introspection.ts';
import type { KeySource } from './key-source.ts';
import type { Meters } from './meters.ts';
import type { RefusedAnswers } from './refused-answers.ts';
import type { TokenCache } from './token-cache.ts';

/** What decisions about credentials are made of. */
export interface Known extends Sources {
  readonly keys: KeySource;
  readonly cache: TokenCache;
  readonly introspector: Introspector;
  readonly refusedAnswers: RefusedAnswers;
  readonly meters: Meters;
}
