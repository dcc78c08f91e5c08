import { DURATIONS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, type EpochSeconds, later, seconds } from '@latchkey/protocol/types';

/** Events are kept for as long as any access token may still live, whatever today's settings say. */
export const eventExpiry = (now: EpochMilliseconds): EpochSeconds =>
  seconds(later(now, DURATIONS.eventRetention * 1000));
