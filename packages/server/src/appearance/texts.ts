import { parseTexts, type Texts } from '@latchkey/pages/texts';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, type Result } from '@latchkey/protocol/result';
import { FileUnusable } from '../file-unusable.ts';
import { readSmallFile } from './small-file.ts';

/** Reads a file with texts for the pages. @returns the texts, or every mistake in the file */
export function readTexts(path: string): Result<Texts, readonly string[]> {
  try {
    return parseTexts(JSON.parse(readSmallFile(path, LIMITS.pagesTextsBytesMax).toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return fail([`${path} is not JSON.`]);
    if (error instanceof FileUnusable) return fail([error.message]);
    throw error;
  }
}
