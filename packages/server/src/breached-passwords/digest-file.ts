import { closeSync, fstatSync, openSync, read as readInBackground, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { fail, ok } from '@latchkey/protocol/result';
import { FileUnusable } from '../file-unusable.ts';
import type { BreachSource } from './breached-passwords.ts';

/** The length of a SHA-1 digest, in bytes. */
export const DIGEST_BYTES = 20;
/** How many digests are looked at when a file is opened, to find out that it is no such file. */
const SAMPLES = 64;
const MEND = 'Make it with latchkey passwords import, or leave the setting out.';

const read = promisify(readInBackground);

/** An open file of digests. */
export interface DigestFile extends BreachSource {
  readonly count: number;
  close(): void;
}

/**
 * Opens a file of sorted SHA-1 digests, 20 bytes each and nothing else. It may be larger than the memory: a look-up reads
 * as many digests as its number has binary digits, wherever they stand. What takes the file's place later is seen after
 * the next start.
 *
 * @throws FileUnusable where there is no file, or another one
 * @spec ASVS 6.2.12 (PWD-06)
 */
export function openDigestFile(path: string): DigestFile {
  const file = openFile(path);
  try {
    const count = countIn(file, path);
    checkOrder(file, count, path);
    return { name: 'file', count, has: (digest) => find(file, count, digest), close: () => closeSync(file) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new FileUnusable(
      error.code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read: ${String(error.code)}.`,
      MEND,
    );
  }
}

function countIn(file: number, path: string): number {
  const found = fstatSync(file);
  if (!found.isFile() || found.size % DIGEST_BYTES !== 0)
    throw new FileUnusable(
      `${path} is no file of breached passwords: its size is no multiple of ${DIGEST_BYTES}.`,
      MEND,
    );
  if (found.size === 0) throw new FileUnusable(`${path} is empty.`, MEND);
  return found.size / DIGEST_BYTES;
}

/** Looks at digests from the first to the last: in any other file some are out of order. */
function checkOrder(file: number, count: number, path: string): void {
  let before: Buffer | undefined;
  const steps = Math.min(count, SAMPLES);
  for (let step = 0; step < steps; step++) {
    const at = steps === 1 ? 0 : Math.floor((step * (count - 1)) / (steps - 1));
    const digest = Buffer.alloc(DIGEST_BYTES);
    readSync(file, digest, 0, DIGEST_BYTES, at * DIGEST_BYTES);
    if (before !== undefined && before.compare(digest) >= 0)
      throw new FileUnusable(`${path} is no file of breached passwords: it is not sorted.`, MEND);
    before = digest;
  }
}

/** A disk that fails is no reason why nobody may set a password. */
async function find(file: number, count: number, digest: Uint8Array): ReturnType<BreachSource['has']> {
  const probe = Buffer.alloc(DIGEST_BYTES);
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const length = await readAt(file, probe, middle * DIGEST_BYTES);
    if (length !== DIGEST_BYTES) return fail('unreadable');
    const order = probe.compare(digest);
    if (order === 0) return ok(true);
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return ok(false);
}

/** How many bytes were read: fewer where the disk fails, or somebody has cut the file. */
async function readAt(file: number, into: Buffer, position: number): Promise<number> {
  try {
    return (await read(file, into, 0, into.length, position)).bytesRead;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}
