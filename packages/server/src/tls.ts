import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Log } from './observe/log.ts';
import { SecretUnusable } from './seal/kek.ts';

/** Where the certificate of this server is, with those that it was issued under, and the private key to it; both PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate chain and its private key, which belong together. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Older versions are broken. @spec RFC 9325 §3.1.1 */
export const TLS_VERSION_MIN = 'TLSv1.2';

/** How often the files are looked at. Renewal swaps links as often as it writes files, which only a look finds. */
const LOOK_EVERY_MILLISECONDS = 1_000;

/** Reads both files. Throws `SecretUnusable` for what a server cannot use, or must not. */
export function readTls({ cert: certFile, key: keyFile }: TlsFiles): TlsPair {
  for (const file of [certFile, keyFile]) if (!existsSync(file)) throw new SecretUnusable(`there is no file ${file}`);
  if (process.platform !== 'win32' && (statSync(keyFile).mode & 0o077) !== 0)
    throw new SecretUnusable(`${keyFile} can be read by others; run chmod 600 ${keyFile}`);
  const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  try {
    new X509Certificate(pair.cert);
  } catch {
    throw new SecretUnusable(`${certFile} holds no certificate in PEM`);
  }
  try {
    createSecureContext(pair);
  } catch {
    throw new SecretUnusable(`${keyFile} holds no private key in PEM that fits the certificate in ${certFile}`);
  }
  return pair;
}

/**
 * Takes up a new pair as soon as the files hold one. While they do not fit, as between the two writes of a renewal, the
 * pair before stays in use, and the log says why.
 *
 * @returns the way to stop
 */
export function followTls(files: TlsFiles, log: Log, take: (pair: TlsPair) => void): () => void {
  const look = (): void => {
    try {
      const pair = readTls(files);
      take(pair);
      log.info('tls', { certificate: 'reloaded', valid_to: new X509Certificate(pair.cert).validTo });
    } catch (error) {
      if (!(error instanceof SecretUnusable) && !isMissing(error)) throw error;
      log.warn('tls', { certificate: 'kept', problem: error.message });
    }
  };
  for (const file of [files.cert, files.key])
    watchFile(file, { interval: LOOK_EVERY_MILLISECONDS, persistent: false }, look);
  return () => {
    for (const file of [files.cert, files.key]) unwatchFile(file, look);
  };
}

/** A file that went between two looks: a renewal puts another one in its place. */
const isMissing = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
