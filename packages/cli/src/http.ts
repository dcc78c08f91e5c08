import type { Context } from './context.ts';
import { EXIT, Stop } from './exit-codes.ts';
import type { Json } from './output.ts';

const REQUEST_MILLISECONDS = 30_000;

/** An answer of the server, read; an empty object where it is not JSON. */
export interface Answered {
  readonly status: number;
  readonly body: Json;
}

/** Sends a request to the server. Whoever cannot be reached, or takes too long, ends the command. */
export async function send(context: Context, url: string, init: RequestInit): Promise<Answered> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(REQUEST_MILLISECONDS)]);
  try {
    const response = await context.fetch(url, { ...init, redirect: 'error', signal });
    const value = parse(await response.text());
    return { status: response.status, body: isObject(value) ? value : {} };
  } catch (error) {
    if (context.signal.aborted) throw new Stop(EXIT.interrupted, 'Interrupted.');
    throw new Stop(
      EXIT.unreachable,
      `There is no answer from ${new URL(url).origin} (${reasonOf(error)}).`,
      'Does the server run? latchkey serve. The address is the issuer in the credential file.',
    );
  }
}

/** Sends a form to one of the OAuth endpoints. */
export const sendForm = (
  context: Context,
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered> =>
  send(context, url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** The code of the RFC in an answer, in brackets. */
export const said = ({ error }: Json): string => (typeof error === 'string' ? ` (${error})` : '');

const reasonOf = (error: unknown): string => {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.name : 'unknown';
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
