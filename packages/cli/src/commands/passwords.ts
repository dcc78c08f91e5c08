import { createReadStream, fstatSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type ImportProgress,
  type ImportRefusal,
  importDigests,
} from '@latchkey/server/breached-passwords/import-digests';
import type { Command } from 'commander';
import type { Context, GlobalOptions } from '../context.ts';
import { parseWhole } from '../duration.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { outputOf } from '../output.ts';

interface ImportOptions {
  readonly out: string;
  readonly minCount: number;
}

/** `latchkey passwords`: what breaches made known, so that nobody chooses it. */
export function register(command: Command, context: Context): void {
  const make = command
    .command('import <source>')
    .description('make the file for --breached-passwords-file out of what Have I Been Pwned gives out')
    .requiredOption('--out <file>', 'the file to make; it takes the place of one that is there when it is whole')
    .option('--min-count <number>', 'leave out what was seen less often', parseWhole, 1)
    .addHelpText(
      'after',
      `
The source is a text of lines \`SHA1:count\`, sorted by the SHA-1; - is standard input. The whole of it makes a file of
some 20 GB, 20 bytes a password; those that were seen a hundred times or more make up a small part. Works on this machine
alone. A server that runs takes up the new file at its next start.

Examples:
  latchkey passwords import pwnedpasswords.txt --out breached-passwords.bin
  7z e -so pwnedpasswords.7z | latchkey passwords import - --out breached-passwords.bin --min-count 100`,
    );
  make.action(async (name: string, { out, minCount }: ImportOptions) => {
    const { json = false } = make.optsWithGlobals<GlobalOptions>();
    const source = openSource(context, name);
    const report = (progress: ImportProgress) => context.say(reportOf(progress, source.size));
    const options = { minCount, signal: context.signal, onProgress: report };
    const file = resolve(context.cwd, out);
    const made = await importDigests(source.stream, file, options).catch(cannotWrite(out));
    if (!made.ok) throw refused(made.error);
    const { kept, lines } = made.value;
    outputOf(context, json).record({ file, passwords: kept, left_out: lines - kept, bytes: kept * 20 });
  });
}

interface Source {
  readonly stream: Readable;
  /** In bytes, where it is known beforehand. */
  readonly size: number | undefined;
}

function openSource({ cwd, stdin }: Context, name: string): Source {
  if (name === '-') return { stream: stdin, size: undefined };
  const path = resolve(cwd, name);
  try {
    const fd = openSync(path, 'r');
    const found = fstatSync(fd);
    if (found.isDirectory())
      throw new Stop(EXIT.usage, `${name} is a folder.`, 'Name a file, or - for standard input.');
    return {
      stream: createReadStream(path, { fd, highWaterMark: CHUNK_BYTES }),
      size: found.isFile() ? found.size : undefined,
    };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new Stop(EXIT.usage, `${name} cannot be read: ${String(error.code)}.`, 'Name a file that you may read.');
  }
}

const CHUNK_BYTES = 1_048_576;

const reportOf = ({ lines, bytes }: ImportProgress, size: number | undefined): string =>
  `${lines.toLocaleString('en')} lines read${size === undefined ? '' : ` (${Math.floor((bytes / size) * 100)} %)`}`;

const cannotWrite =
  (file: string) =>
  (error: unknown): never => {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new Stop(
      EXIT.fault,
      `${file} cannot be made: ${String(error.code)}.`,
      'Is there room, and may you write there?',
    );
  };

function refused(refusal: ImportRefusal): Stop {
  switch (refusal.problem) {
    case 'malformed':
      return new Stop(EXIT.usage, `Line ${refusal.line} is not a SHA-1 in hex, a colon and a count.`, NOTHING);
    case 'unsorted':
      return new Stop(
        EXIT.usage,
        `Line ${refusal.line} does not come after the line before it.`,
        `Sort the lines: LC_ALL=C sort -u. ${NOTHING}`,
      );
    case 'empty':
      return new Stop(EXIT.usage, 'No password is left.', `Is the source empty, or --min-count too high? ${NOTHING}`);
    case 'cancelled':
      return new Stop(EXIT.interrupted, 'Cancelled.', NOTHING);
  }
}

const NOTHING = 'No file was made.';
