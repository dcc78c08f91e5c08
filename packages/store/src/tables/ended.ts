import type { Ended } from '@latchkey/domain/login/session';
import type { EndReason } from '@latchkey/domain/tokens/end-reason';
import type { Row } from '../sql.ts';
import { isNull, millisecondsIn, textIn } from './columns.ts';

/** The three columns of an end, which sessions and families share. */
export const endedIn = (row: Row): Ended | undefined =>
  isNull(row, 'ended_at')
    ? undefined
    : {
        at: millisecondsIn(row, 'ended_at'),
        reason: textIn(row, 'end_reason') as EndReason,
        by: textIn(row, 'ended_by'),
      };
