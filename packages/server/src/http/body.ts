import { type Parameters, parseParameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Refusal } from '../server.ts';

/** Whether a body says that it is of a media type, in the one encoding that is read: UTF-8. */
function isOfType(request: Request, wanted: string): boolean {
  const [type, ...parameters] = (request.headers.get('content-type') ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const isCharsetOther = (part: string) => part.startsWith('charset') && !/^charset="?utf-8"?$/.test(part);
  return type === wanted && !parameters.some(isCharsetOther);
}

/**
 * Reads a body up to its limit; nothing is parsed before the limit is known to hold.
 *
 * @returns `body_too_large`, `body_malformed` for bytes that are no UTF-8
 */
async function readText(request: Request, bodyMax: number): Promise<Result<string, Refusal>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > bodyMax) return fail({ error: 'body_too_large' });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    // the transport holds the sender to what it declared
    if (declared > 0) return ok(decoder.decode(await request.arrayBuffer()));
    return await readStream(request, bodyMax, decoder);
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return fail({ error: 'body_malformed' });
    throw error;
  }
}

async function readStream(request: Request, bodyMax: number, decoder: TextDecoder): Promise<Result<string, Refusal>> {
  if (request.body === null) return ok('');
  let size = 0;
  let text = '';
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > bodyMax) return fail({ error: 'body_too_large' });
    text += decoder.decode(chunk, { stream: true });
  }
  return ok(text + decoder.decode());
}

/**
 * Reads a form.
 *
 * @returns `content_type_wrong`, `body_too_large`, `body_malformed`, `parameter_repeated`, `parameters_too_many`
 * @spec RFC 6749 Appendix B
 */
export async function readForm(request: Request, bodyMax: number): Promise<Result<Parameters, Refusal>> {
  if (!isOfType(request, 'application/x-www-form-urlencoded')) return fail({ error: 'content_type_wrong' });
  const text = await readText(request, bodyMax);
  if (!text.ok) return text;
  const parameters = parseParameters(text.value);
  return parameters.ok ? parameters : fail({ error: parameters.error });
}

/**
 * Reads a JSON object.
 *
 * @returns `content_type_wrong`, `body_too_large`, `body_malformed`
 */
export async function readJson(
  request: Request,
  bodyMax: number,
): Promise<Result<Readonly<Record<string, unknown>>, Refusal>> {
  const read = await readJsonValue(request, bodyMax);
  if (!read.ok) return read;
  const { value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail({ error: 'body_malformed' });
  return ok(value as Readonly<Record<string, unknown>>);
}

/**
 * Reads JSON: an object or a list.
 *
 * @returns `content_type_wrong`, `body_too_large`, `body_malformed`
 */
export async function readJsonValue(request: Request, bodyMax: number): Promise<Result<unknown, Refusal>> {
  if (!isOfType(request, 'application/json')) return fail({ error: 'content_type_wrong' });
  const text = await readText(request, bodyMax);
  if (!text.ok) return text;
  try {
    const value: unknown = JSON.parse(text.value);
    return typeof value === 'object' && value !== null ? ok(value) : fail({ error: 'body_malformed' });
  } catch (error) {
    if (error instanceof SyntaxError) return fail({ error: 'body_malformed' });
    throw error;
  }
}
