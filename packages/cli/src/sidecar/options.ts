import { readFileSync, statSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
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

const LOOPBACK = ['127.0.0.1', '::1'] as const;
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

/**
 * Whose questions are answered: whoever could ask at will would learn which tokens are good. On loopback it is this
 * machine; beyond it, those who are named; at a socket, those whom the file lets in.
 */
export function trustOf(place: Place, named: readonly string[] = []): (address: string | undefined) => boolean {
  if (place.kind === 'unix') return () => true;
  const isLoopback = place.host === '::1' || place.host.startsWith('127.');
  if (!isLoopback && named.length === 0)
    throw new Stop(
      EXIT.usage,
      `${place.host} can be reached from other machines, and nobody is named who may ask.`,
      'Name the addresses of your proxies: --trust 10.0.0.7 --trust 10.1.0.0/16',
    );
  const list = new BlockList();
  for (const one of named.length === 0 ? LOOPBACK : named) addTo(list, one);
  return (address) => {
    const peer = address?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '';
    return isIP(peer) !== 0 && list.check(peer, isIP(peer) === 6 ? 'ipv6' : 'ipv4');
  };
}

function addTo(list: BlockList, text: string): void {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const max = family === 'ipv6' ? 128 : 32;
  const isWhole = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= max);
  if (isIP(address) === 0 || !isWhole || more !== undefined)
    throw new Stop(EXIT.usage, `${text} is no address.`, 'Write 10.0.0.7, 10.1.0.0/16 or fd00::/8.');
  list.addSubnet(address, Number(bits ?? max), family);
}

/** Reads the credential of a resource, as `latchkey resource create --json` wrote it; one that others can read is not used. */
export function readResourceCredential(
  { cwd }: Context,
  shown: string,
  audience: string | undefined,
): ResourceCredential {
  const path = resolve(cwd, shown);
  const mend = 'Write it with: umask 077; latchkey resource create … --json > FILE';
  let text: string;
  try {
    const { mode, size } = statSync(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Stop(EXIT.unauthorised, `${shown} can be read by others.`, `Run chmod 600 ${shown}`);
    if (size > CREDENTIAL_BYTES_MAX) throw new Stop(EXIT.usage, `${shown} is too large for a credential.`, mend);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Stop(EXIT.unauthorised, `There is no credential in ${shown} (${String(error.code)}).`, mend);
    throw error;
  }
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

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
