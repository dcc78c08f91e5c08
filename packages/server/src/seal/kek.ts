import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export const KEK_BYTES = 32;
/** The environment variable with a key-encryption key in base64; it wins over the file. */
export const KEK_VARIABLE = 'LATCHKEY_KEK';

/** A secret from outside that cannot be used, with the mend. */
export class SecretUnusable extends Error {
  override readonly name = 'SecretUnusable';
}

/** Bytes that repeat were typed by somebody; no random key has so few different ones. */
const isRandom = (bytes: Uint8Array): boolean => new Set(bytes).size >= 8;

/** Reads a key-encryption key from the text of an environment variable. */
export function kekOfText(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== KEK_BYTES || !isRandom(bytes))
    throw new SecretUnusable(
      `${KEK_VARIABLE} must be ${KEK_BYTES} random bytes in base64: openssl rand -base64 ${KEK_BYTES}`,
    );
  return bytes;
}

/** Reads the key-encryption key of a file that nobody else can read. */
export function readKekFile(file: string): Uint8Array {
  if (!existsSync(file)) throw new SecretUnusable(`there is no key-encryption key at ${file}; run latchkey init`);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new SecretUnusable(`${file} can be read by others; run chmod 600 ${file}`);
  const bytes = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  if (bytes.length !== KEK_BYTES || !isRandom(bytes))
    throw new SecretUnusable(
      `${file} does not hold ${KEK_BYTES} random bytes in base64: openssl rand -base64 ${KEK_BYTES}`,
    );
  return bytes;
}

/** Makes a key-encryption key where there is none; says whether it did. Never overwrites one. */
export function ensureKekFile(file: string): boolean {
  if (existsSync(file)) return false;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${randomBytes(KEK_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  return true;
}
