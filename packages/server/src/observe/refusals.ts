import type { ErrorId } from '@latchkey/protocol/errors';
import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** A refusal as it is remembered for `token explain`. It names what it was about by ids and holds no credential. */
export interface RememberedRefusal {
  /** `<process>-<number>`: told to whoever was refused. */
  readonly id: string;
  readonly error: ErrorId;
  readonly at: EpochMilliseconds;
  /** Where: a route of this server, or what a verifier said of itself. */
  readonly where: string;
  readonly about: Readonly<Record<string, string>>;
}

/** The last refusals of this process and of the verifiers that report to it, in a ring of bounded size. */
export interface Refusals {
  /** Remembers one of our own and returns its new id. */
  remember(refusal: Omit<RememberedRefusal, 'id'>): string;
  /** Takes what a verifier reported. */
  report(refusals: readonly RememberedRefusal[]): void;
  find(id: string): RememberedRefusal | undefined;
  /** The name that marks the ids of this process. */
  readonly name: string;
}
