import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, unwatchFile, watchFile } from 'node:fs';
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
  const pair = { cert: readPem(certFile), key: readPem(keyFile) };
  if (process.platform !== 'win32' && (statSync(keyFile).mode & 0o077) !== 0)
    throw new SecretUnusable(`${keyFile} can be read by others; run chmod 600 ${keyFile}`);
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

/** A file that is not there or not ours to read is the operator's to mend, and no fault: it must not end the server. */
function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new SecretUnusable(`there is no file ${file}`);
    throw new SecretUnusable(`${file} cannot be read by the user of this server (${code})`, { cause: error });
  }
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
      if (!(error instanceof SecretUnusable)) throw error;
      log.warn('tls', { certificate: 'kept', problem: error.message });
    }
  };
  for (const file of [files.cert, files.key])
    watchFile(file, { interval: LOOK_EVERY_MILLISECONDS, persistent: false }, look);
  return () => {
    for (const file of [files.cert, files.key]) unwatchFile(file, look);
  };
}
