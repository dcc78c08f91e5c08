import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  ENCRYPTION_CURVES,
  type EncryptionCurve,
  makeEncryptionKeyPair,
} from '@latchkey/server/keys/encryption-key-pair';
import { type Command, Option } from 'commander';
import { act } from '../action.ts';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { SECRET_BYTES_MAX } from '../secret-input.ts';

/** `latchkey resource encryption-key`: a pair for an API whose tokens are encrypted. Nothing of it is sent anywhere. */
export function registerEncryptionKey(resource: Command, context: Context): void {
  const command = resource
    .command('encryption-key <file>')
    .description(
      'make a key pair for an API here: the private key in a new file, the public key in another beside it, .pub',
    )
    .addOption(new Option('--curve <name>', 'the kind of key').choices(ENCRYPTION_CURVES).default('P-256'));
  act<{ readonly curve: EncryptionCurve }>(
    command,
    context,
    async ({ context: { cwd }, output }, options, file = '') => {
      const { publicJwk, privateJwk } = await makeEncryptionKeyPair(options.curve);
      write(cwd, file, privateJwk, 0o600);
      write(cwd, `${file}.pub`, publicJwk, 0o644);
      const { kid } = publicJwk;
      output.done(`The private key ${kid} is in ${file}, for the API alone; the public key is in ${file}.pub.`, {
        kid,
      });
    },
  );
}

/** Writes a file that was not there before: no key is ever lost to another. */
function write(cwd: string, file: string, jwk: object, mode: number): void {
  try {
    writeFileSync(resolve(cwd, file), `${JSON.stringify(jwk)}\n`, { mode, flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(
        EXIT.usage,
        `${file} cannot be made: ${String(error.code)}.`,
        'Name a file that is not there yet.',
      );
    throw error;
  }
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Reads a public key. A private one stops here: it must not even be sent. */
export function readPublicJwk(cwd: string, file: string): Readonly<Record<string, unknown>> {
  const jwk = parse(readText(cwd, file));
  if (jwk === undefined) throw new Stop(EXIT.usage, `${file} is no JWK.`, 'Name the file with the public key.');
  if (PRIVATE.some((name) => Object.hasOwn(jwk, name)))
    throw new Stop(
      EXIT.usage,
      `${file} holds a private key.`,
      'Name the file with the public key: the server wants no other.',
    );
  return jwk;
}

function readText(cwd: string, file: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8').slice(0, SECRET_BYTES_MAX);
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(EXIT.usage, `${file} cannot be read: ${String(error.code)}.`, 'Name a file that you may read.');
    throw error;
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
