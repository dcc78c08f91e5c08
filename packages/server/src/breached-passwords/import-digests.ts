import { open, rename, rm } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { DIGEST_BYTES } from './digest-file.ts';

/** How far an import has come. */
export interface ImportProgress {
  readonly lines: number;
  readonly kept: number;
  /** Of the source. */
  readonly bytes: number;
}

/** Why nothing was made. */
export type ImportRefusal =
  | { readonly problem: 'malformed' | 'unsorted'; readonly line: number }
  | { readonly problem: 'empty' | 'cancelled' };

export interface ImportOptions {
  /** Passwords that were seen less often are left out. */
  readonly minCount: number;
  readonly signal: AbortSignal;
  /** Called every ten million lines. */
  readonly onProgress: (progress: ImportProgress) => void;
}

/** `SHA1:count`, the shortest and the longest line, without the end of the line. */
const LINE_MIN = 2 * DIGEST_BYTES + 2;
const LINE_MAX = 2 * DIGEST_BYTES + 1 + 15 + 1;
const PROGRESS_LINES = 10_000_000;

/**
 * Makes a file of sorted digests out of the text that Have I Been Pwned gives out: lines of a SHA-1 in hex, a colon and a
 * count, sorted by the SHA-1. It is written beside its place and moved there when it is whole, so that a server that
 * starts meanwhile finds the old file or the new one. Whatever stops it, nothing is left behind.
 */
export async function importDigests(
  source: Readable,
  file: string,
  { minCount, signal, onProgress }: ImportOptions,
): Promise<Result<ImportProgress, ImportRefusal>> {
  const partial = `${file}.${process.pid}.partial`;
  const target = await open(partial, 'wx', 0o644);
  try {
    const reader = createLineReader(minCount);
    let reported = 0;
    for await (const chunk of addAbortSignal(signal, source)) {
      const digests = reader.take(Buffer.from(chunk));
      if (!digests.ok) return digests;
      await target.appendFile(digests.value);
      if (reader.progress().lines - reported < PROGRESS_LINES) continue;
      reported = reader.progress().lines;
      onProgress(reader.progress());
    }
    const last = reader.end();
    if (!last.ok) return last;
    await target.appendFile(last.value);
    if (reader.progress().kept === 0) return fail({ problem: 'empty' });
    await target.sync();
    await rename(partial, file);
    return ok(reader.progress());
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return fail({ problem: 'cancelled' });
    throw error;
  } finally {
    await target.close();
    await rm(partial, { force: true });
  }
}

/** Reads lines out of bytes that end anywhere, and gives the digests of those that are kept. */
function createLineReader(minCount: number) {
  let rest: Uint8Array = Buffer.alloc(0);
  let [lines, kept, bytes] = [0, 0, 0];
  const [before, current] = [Buffer.alloc(DIGEST_BYTES), Buffer.alloc(DIGEST_BYTES)];

  function readLines(data: Buffer): Result<Uint8Array, ImportRefusal> {
    const digests = Buffer.allocUnsafe(Math.ceil(data.length / LINE_MIN) * DIGEST_BYTES);
    let [start, written] = [0, 0];
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      lines += 1;
      const count = readLine(data, start, end, current);
      if (count === undefined) return fail({ problem: 'malformed', line: lines });
      if (lines > 1 && current.compare(before) <= 0) return fail({ problem: 'unsorted', line: lines });
      current.copy(before);
      if (count >= minCount) {
        written += current.copy(digests, written);
        kept += 1;
      }
      start = end + 1;
    }
    rest = data.subarray(start);
    return rest.length > LINE_MAX ? fail({ problem: 'malformed', line: lines + 1 }) : ok(digests.subarray(0, written));
  }

  return {
    take(chunk: Buffer): Result<Uint8Array, ImportRefusal> {
      bytes += chunk.length;
      return readLines(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    },
    /** The last line may lack its end. */
    end: (): Result<Uint8Array, ImportRefusal> =>
      rest.length === 0 ? ok(rest) : readLines(Buffer.concat([rest, Buffer.from('\n')])),
    progress: (): ImportProgress => ({ lines, kept, bytes }),
  };
}

const [NEWLINE, RETURN, COLON, ZERO] = [10, 13, 58, 48];

const HEX = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'0123456789abcdef'].entries())
  for (const letter of [digit, digit.toUpperCase()]) HEX[letter.charCodeAt(0)] = value;

/** Puts the digest of a line where it is wanted. @returns the count, or undefined where it is no such line */
function readLine(data: Buffer, start: number, newline: number, digest: Buffer): number | undefined {
  const end = data[newline - 1] === RETURN ? newline - 1 : newline;
  if (end - start < LINE_MIN || end - start > LINE_MAX - 1) return undefined;
  let at = start;
  for (let index = 0; index < DIGEST_BYTES; index++, at += 2) {
    const [high = -1, low = -1] = [HEX[data[at] ?? 0], HEX[data[at + 1] ?? 0]];
    if (high < 0 || low < 0) return undefined;
    digest[index] = high * 16 + low;
  }
  if (data[at] !== COLON) return undefined;
  let count = 0;
  for (at += 1; at < end; at++) {
    const value = (data[at] ?? 0) - ZERO;
    if (value < 0 || value > 9) return undefined;
    count = count * 10 + value;
  }
  return count;
}
