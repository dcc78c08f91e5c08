import { readFileSync, statSync } from 'node:fs';
import { FileUnusable } from '../file-unusable.ts';

/**
 * Reads a file of the configuration that is not larger than it may be.
 *
 * @throws FileUnusable
 */
export function readSmallFile(path: string, bytesMax: number): Buffer {
  const mend = `Name a file of at most ${bytesMax / 1024} KiB that the server's user may read, or leave the setting out.`;
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new FileUnusable(`${path} is no file.`, mend);
    if (found.size > bytesMax) throw new FileUnusable(`${path} is larger than ${bytesMax / 1024} KiB.`, mend);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof FileUnusable || !(error instanceof Error && 'code' in error)) throw error;
    const problem =
      error.code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read: ${String(error.code)}.`;
    throw new FileUnusable(problem, mend);
  }
}
