import { ERRORS, type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { EXIT, Stop } from './exit-codes.ts';
import { said } from './http.ts';
import type { Json } from './output.ts';

/** What the server said no to, in its own words. */
export function refusal(status: number, body: Json): Stop {
  const message = `${typeof body.detail === 'string' ? body.detail : `Refused with ${status}.`}${said(body)}`;
  const mend = mendOf(body);
  if (status === 404) return new Stop(EXIT.notFound, message, mend);
  if (status === 401 || (status === 403 && body.error === 'insufficient_scope'))
    return new Stop(EXIT.unauthorised, message, mend);
  if ([429, 502, 503, 504].includes(status)) return new Stop(EXIT.unreachable, message, mend);
  return new Stop(status >= 500 ? EXIT.fault : EXIT.refused, message, mend);
}

/** What to do, from the catalogue of errors: the answer names its row where that may be told. */
function mendOf({ type, error_id: id }: Json): string | undefined {
  const name = String(type).split('#')[1] ?? '';
  const mend = Object.hasOwn(ERRORS, name) ? errorRow(name as ErrorId).mend : undefined;
  const more = typeof id === 'string' ? `More: latchkey token explain ${id}` : undefined;
  return [mend, more].filter((part) => part !== undefined).join(' ') || undefined;
}
