import type { Position } from '@latchkey/protocol/position';
import fc from 'fast-check';

const LAST = 999_999_999_999_999;
const number = fc.oneof(fc.nat(3), fc.nat(LAST), fc.constantFrom(LAST - 1, LAST));

/** A place in the log; many of them share an epoch or a number, so that comparisons meet their edges. */
export const position: fc.Arbitrary<Position> = fc.record({ epoch: number, seq: number });
