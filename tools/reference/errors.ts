import { ERRORS, errorRow } from '@latchkey/protocol/errors';
import { code, page } from './markdown.ts';

/** docs/reference/errors.md: every way in which a request is refused. */
export function errorsPage(): string {
  const ids = Object.keys(ERRORS).sort() as (keyof typeof ERRORS)[];
  const entries = ids.map((id) => {
    const { code: wire, status, spec, disclose, description, mend } = errorRow(id);
    const told = disclose ? '' : ' The answer does not say so: it has the code and nothing more.';
    return `## ${id}\n\n${status} ${code(wire)} · ${spec}\n\n${description}${told}\n\n*What to do:* ${mend}`;
  });
  return page('Errors', '`packages/protocol/src/errors.ts`', [
    'Each refusal has one of these ids in the log and for `latchkey token explain`. On the wire there is the code of the ' +
      'standard, and an `error_id` of its own for each refusal: give it to `latchkey token explain`. OAuth endpoints ' +
      'answer as RFC 6749 says, all others with a problem document (RFC 9457), APIs with a challenge (RFC 6750).',
    ...entries,
  ]);
}
