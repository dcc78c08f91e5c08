import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { OnStale } from '@latchkey/verifier';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';

/** The options of `latchkey sidecar`, as they were typed. */
export interface SidecarOptions {
  readonly issuer: string;
  readonly audience?: string;
  readonly credential: string;
  readonly listen: string;
  readonly trust?: readonly string[];
  readonly onStale: OnStale;
  readonly maxStaleness: number;
  readonly maxAccept: number;
  readonly assertionIssuer?: string;
  readonly name?: string;
  readonly apiKeys?: boolean;
  readonly apiKeyHeader?: string;
  readonly decryptionKeyFile?: readonly string[];
  readonly sharedSecretFile?: readonly string[];
}

/** Where a sidecar listens. */
export type Place =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The credential of a resource, with what its file says of the resource. */
export interface ResourceCredential {
  readonly id: string;
  readonly secret: string;
  readonly audience: string;
  readonly tokenType: 'at+jwt' | 'JWT';
}

const CREDENTIAL_BYTES_MAX = 65_536;

/** Reads where to listen: an address and a port of this machine, or a socket. */
export function placeOf(text: string, cwd: string): Place {
  if (text.startsWith('unix:') && text.length > 5) return { kind: 'unix', path: resolve(cwd, text.slice(5)) };
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || isIP(host) === 0 || Number(port) > 65_535)
    throw new Stop(EXIT.usage, `${text} is no place to listen.`, 'Write 127.0.0.1:9400, [::1]:9400 or unix:/path.');
  return { kind: 'tcp', host, port: Number(port) };
}

/** Reads the credential of a resource, as `latchkey resource create --json` wrote it; one that others can read is not used. */
export function readResourceCredential(
  { cwd }: Context,
  shown: string,
  audience: string | undefined,
): ResourceCredential {
  const mend = 'Write it with: umask 077; latchkey resource create … --json > FILE';
  const text = readSecretFile(cwd, shown, mend);
  const { id, secret, audience: own, token_type: type } = fieldsOf(text);
  const known = audience ?? own;
  if (typeof id !== 'string' || typeof secret !== 'string' || typeof known !== 'string')
    throw new Stop(EXIT.usage, `${shown} does not hold id, secret and audience of a resource as JSON.`, mend);
  if (typeof own === 'string' && own !== known)
    throw new Stop(
      EXIT.usage,
      `${shown} belongs to the audience ${own}.`,
      'Leave --audience out, or take another file.',
    );
  return { id, secret, audience: known, tokenType: type === 'JWT' ? 'JWT' : 'at+jwt' };
}

/** Reads a file with a secret; one that others can read is not used. */
function readSecretFile(cwd: string, shown: string, mend: string): string {
  const path = resolve(cwd, shown);
  try {
    const { mode, size } = statSync(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Stop(EXIT.unauthorised, `${shown} can be read by others.`, `Run chmod 600 ${shown}`);
    if (size > CREDENTIAL_BYTES_MAX) throw new Stop(EXIT.usage, `${shown} is too large for a credential.`, mend);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(EXIT.unauthorised, `There is no credential in ${shown} (${String(error.code)}).`, mend);
    throw error;
  }
}

/** The private key of an API, as `latchkey resource encryption-key` wrote it. Whether it is one, the verifier says. */
export const readDecryptionKey = ({ cwd }: Context, shown: string): Readonly<Record<string, unknown>> =>
  fieldsOf(readSecretFile(cwd, shown, 'Make it with: latchkey resource encryption-key FILE'));

/** A secret that the server shares with the API, as `latchkey resource rotate-shared-secret --json` showed it. */
export function readSharedSecret({ cwd }: Context, shown: string): { readonly kid: string; readonly secret: string } {
  const mend = 'Write it with: umask 077; latchkey resource rotate-shared-secret … --json > FILE';
  const told = fieldsOf(readSecretFile(cwd, shown, mend));
  const { kid, secret } = typeof told.shared_secret === 'object' ? { ...told.shared_secret } : told;
  if (typeof kid !== 'string' || typeof secret !== 'string')
    throw new Stop(EXIT.usage, `${shown} does not hold kid and secret as JSON.`, mend);
  return { kid, secret };
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
