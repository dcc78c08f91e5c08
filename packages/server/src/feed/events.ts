import type { RevocationEvent } from '@latchkey/protocol/claims';
import { formatPosition, type Position } from '@latchkey/protocol/position';
import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** An event as it stands in a stream. @spec WHATWG HTML §9.2 */
export const eventFrame = (event: RevocationEvent): string =>
  `event: revocation\nid: ${formatPosition(event)}\ndata: ${JSON.stringify(event)}\n\n`;

/** How current what was sent before it is. */
export const heartbeatFrame = (asOf: EpochMilliseconds, cursor: Position): string =>
  `event: heartbeat\ndata: ${JSON.stringify({ asOf, cursor: formatPosition(cursor) })}\n\n`;
