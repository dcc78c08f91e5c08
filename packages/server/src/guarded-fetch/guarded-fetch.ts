import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { isSpecialUse } from './special-use.ts';

/** Why a URL was not fetched. */
export type FetchRefusal = 'url_refused' | 'address_refused' | 'too_large' | 'timed_out' | 'redirected' | 'failed';

export interface Fetched {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What is sent: GET, or POST with a body. */
export interface GuardedRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface GuardOptions {
  readonly milliseconds: number;
  readonly bytesMax: number;
  /** Which addresses are refused; tests with a server on loopback say otherwise. */
  readonly isRefused: (address: string) => boolean;
  /** Origins that the operator has named: whatever their address is, and by plain http too. */
  readonly allow: readonly string[];
  /** A certificate authority beside those of the system. */
  readonly ca?: string;
}

export const GUARD: GuardOptions = { milliseconds: 5_000, bytesMax: 65_536, isRefused: isSpecialUse, allow: [] };

/** The one way to fetch a URL on somebody's word. */
export type GuardedFetch = (url: string, request: GuardedRequest) => Promise<Result<Fetched, FetchRefusal>>;

/**
 * Fetches https only, no redirect, no cookies, within limits of time and size. The address is checked in the look-up of
 * the very connection that is made, so that a name cannot mean one address when it is checked and another when it is
 * used; all addresses of a name must be good. Only an origin that the operator has named may be on their own network.
 *
 * @spec RFC 8725 §3.10, RFC 6890 (OPS-03)
 */
export function createGuardedFetch(options: GuardOptions = GUARD): GuardedFetch {
  return async (text, { method, headers = {}, body }) => {
    const url = URL.parse(text);
    if (url === null || url.username !== '' || url.password !== '') return fail('url_refused');
    const isAllowed = options.allow.includes(url.origin);
    if (url.protocol !== 'https:' && !isAllowed) return fail('url_refused');
    const isRefused = isAllowed ? () => false : options.isRefused;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && isRefused(host)) return fail('address_refused');
    return new Promise((resolve) => {
      const signal = AbortSignal.timeout(options.milliseconds);
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
        url,
        {
          method,
          headers: { 'user-agent': 'latchkey', ...headers },
          lookup: guardedLookup(isRefused),
          signal,
          agent: false,
          ...(options.ca === undefined ? {} : { ca: options.ca }),
        },
        (response) => {
          const status = response.statusCode ?? 0;
          if (status >= 300 && status < 400) {
            request.destroy();
            return resolve(fail('redirected'));
          }
          const chunks: Uint8Array[] = [];
          let size = 0;
          response.on('data', (chunk: Uint8Array) => {
            size += chunk.byteLength;
            if (size > options.bytesMax) {
              request.destroy();
              return resolve(fail('too_large'));
            }
            chunks.push(chunk);
          });
          response.on('error', (error) => resolve(fail(refusalOf(error, signal.aborted))));
          response.on('end', () =>
            resolve(ok({ status, contentType: response.headers['content-type'] ?? '', body: Buffer.concat(chunks) })),
          );
        },
      );
      request.on('error', (error) => resolve(fail(refusalOf(error, signal.aborted))));
      // an answer that is none: where nobody asks for another protocol, a change to one ends without an error
      request.on('close', () => resolve(fail('failed')));
      request.end(body);
    });
  };
}

class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

const refusalOf = (error: Error, isTimeout: boolean): FetchRefusal => {
  if (error instanceof AddressRefused) return 'address_refused';
  return isTimeout ? 'timed_out' : 'failed';
};

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** A look-up that gives only good addresses to the connection. */
const guardedLookup =
  (isRefused: GuardOptions['isRefused']) =>
  (hostname: string, wanted: { all?: boolean | undefined }, callback: LookupCallback): void => {
    systemLookup(hostname, { all: true, verbatim: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) return callback(error ?? new Error('no address'), '', 4);
      if (addresses.some(({ address }) => isRefused(address))) return callback(new AddressRefused(hostname), '', 4);
      if (wanted.all === true) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
