/**
 * A place in the revocation log: what the oldest fact behind a decision had seen. Every token, session and family
 * carries one; a cut-off ends everything of its subject or client that stands before it, whatever clocks say.
 */
export interface Position {
  /** When this history of the log began, in epoch seconds: greater for every database that was restored or replaced. */
  readonly epoch: number;
  /** The number of the last event that was seen; 0 for none. */
  readonly seq: number;
}

export const isBefore = (a: Position, b: Position): boolean =>
  a.epoch === b.epoch ? a.seq < b.seq : a.epoch < b.epoch;

/** `epoch:seq`: the `pos` claim, the id of an event on the feed, and a reader's cursor. */
export const formatPosition = ({ epoch, seq }: Position): string => `${epoch}:${seq}`;

/** Digits of either number: what a double holds exactly, and more than a log will ever count. */
const DIGITS_MAX = 15;

/** Reads `epoch:seq`; undefined for any other text. By hand, since it is read of every token that is seen first. */
export function parsePosition(text: string): Position | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const epoch = wholeNumber(text, 0, colon);
  const seq = wholeNumber(text, colon + 1, text.length);
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq };
}

/** The whole number between two places of a text, in its one spelling: digits, and no zero before others. */
function wholeNumber(text: string, start: number, end: number): number | undefined {
  const length = end - start;
  if (length < 1 || length > DIGITS_MAX || (length > 1 && text.charCodeAt(start) === 0x30)) return undefined;
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
