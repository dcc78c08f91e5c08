import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isCancel, password } from '@clack/prompts';
import type { Context } from './context.ts';
import { EXIT, Stop } from './exit-codes.ts';

/** The largest secret that is read: a token and a newline. */
export const SECRET_BYTES_MAX = 16_384 + 2;

export interface SecretQuestion {
  /** What is asked for, as a prompt says it. */
  readonly what: string;
  /** From `--password-file` or the like, if it was given. */
  readonly file: string | undefined;
  /** A new password is typed twice, since nobody sees it. */
  readonly isNew: boolean;
}

/**
 * Reads a secret: from a file, else from a person without echo, else from standard input. Never from an argument, which
 * every user of the machine can read in the list of processes and which stays in the shell's history.
 */
export async function readSecret(context: Context, question: SecretQuestion): Promise<string> {
  const text =
    question.file !== undefined
      ? readSecretFile(context, question.file)
      : context.isInteractive
        ? await ask(question)
        : await readStdin(context);
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '')
    throw new Stop(EXIT.usage, `There is no ${question.what}.`, 'Send it on standard input, or name a file.');
  return secret;
}

function readSecretFile({ cwd }: Context, file: string): string {
  try {
    const text = readFileSync(resolve(cwd, file), 'utf8');
    if (Buffer.byteLength(text) > SECRET_BYTES_MAX) throw tooLong();
    return text;
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(EXIT.usage, `${file} cannot be read: ${String(error.code)}.`, 'Name a file that you may read.');
    throw error;
  }
}

async function readStdin({ stdin }: Context): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > SECRET_BYTES_MAX) throw tooLong();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const tooLong = () => new Stop(EXIT.usage, `The input is longer than ${SECRET_BYTES_MAX} bytes.`);

async function ask({ what, isNew }: SecretQuestion): Promise<string> {
  const first = await prompt(`${what}:`);
  if (isNew && (await prompt(`${what}, again:`)) !== first)
    throw new Stop(EXIT.usage, 'The two are not the same.', 'Try again.');
  return first;
}

async function prompt(message: string): Promise<string> {
  const answer = await password({ message, output: process.stderr });
  if (isCancel(answer)) throw new Stop(EXIT.interrupted, 'Cancelled.');
  return answer ?? '';
}
