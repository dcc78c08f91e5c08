import type { Position } from '@latchkey/protocol/position';
import {
  type EpochMilliseconds,
  type EpochSeconds,
  milliseconds,
  type ResourceId,
  type Sha256,
} from '@latchkey/protocol/types';
import { allow, type Decision } from '../decision.ts';
import type { Moment, ReplayReader } from '../ports/reader.ts';

/** A token that is good, and wants to be used. */
export interface UseOnceCommand {
  readonly resourceId: ResourceId;
  readonly hash: Sha256;
  readonly exp: EpochSeconds;
  /** What the decision behind the token had seen of the log. */
  readonly pos: Position;
}

/** Whether this is the first use of a token. */
export type Use = 'first' | 'seen';

/** A verifier's largest leeway, and the difference that clocks may have. */
const LONGER_MILLISECONDS = 180_000;

export const loadUseOnce = (read: ReplayReader, { resourceId, hash }: UseOnceCommand): Promise<boolean> =>
  read.isUsed(resourceId, hash);

/**
 * Decides whether a token may be used: once, and remembered for as long as any verifier could accept it.
 *
 * A token of an earlier history of the log may have been used before that ended, in what this database has lost: it
 * counts as used. No such token is good for longer than an hour.
 */
export function decideUseOnce(
  isUsed: boolean,
  { resourceId, hash, exp, pos }: UseOnceCommand,
  { now, position }: Moment,
): Decision<Use> {
  const expiresAt = (milliseconds(exp) + LONGER_MILLISECONDS) as EpochMilliseconds;
  if (isUsed || pos.epoch !== position.epoch || expiresAt <= now) return allow('seen');
  return allow('first', [{ kind: 'replay.consume', used: { resourceId, hash, expiresAt } }]);
}
