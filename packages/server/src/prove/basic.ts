import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';

export interface BasicCredentials {
  readonly id: string;
  readonly secret: string;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads HTTP Basic credentials of a client; undefined when there are none. Both parts are form-encoded first.
 *
 * @returns `client_authentication_malformed`
 * @spec RFC 6749 §2.3.1 (CAU-02), RFC 7617 §2
 */
export function parseBasic(header: string | null): Result<BasicCredentials | undefined, ErrorId> {
  if (header === null) return ok(undefined);
  const [scheme = '', encoded = '', ...rest] = header.split(' ').filter((part) => part !== '');
  if (scheme.toLowerCase() !== 'basic') return ok(undefined);
  if (rest.length > 0 || encoded.length > 4 * LIMITS.clientSecretMax || !BASE64.test(encoded))
    return fail('client_authentication_malformed');
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return fail('client_authentication_malformed');
  const id = formDecoded(text.slice(0, colon));
  const secret = formDecoded(text.slice(colon + 1));
  if (id === undefined || secret === undefined || id === '') return fail('client_authentication_malformed');
  return ok({ id, secret });
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
