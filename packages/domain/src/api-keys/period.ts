import type { EpochSeconds } from '@latchkey/protocol/types';

/** One hour, day or month in UTC: from its beginning to the beginning of the next. */
export interface Period {
  readonly startsAt: EpochSeconds;
  readonly endsAt: EpochSeconds;
}
