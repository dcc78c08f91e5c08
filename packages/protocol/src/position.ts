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

const FORM = /^(0|[1-9][0-9]{0,14}):(0|[1-9][0-9]{0,14})$/;

/** Reads `epoch:seq`; undefined for any other text. */
export function parsePosition(text: string): Position | undefined {
  if (text.length > 31) return undefined;
  const parts = FORM.exec(text);
  return parts === null ? undefined : { epoch: Number(parts[1]), seq: Number(parts[2]) };
}
