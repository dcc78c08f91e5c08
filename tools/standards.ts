import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Whether a row of the standards holds today: now, with what is built later, or not as it stands. */
const Applies = z.union([
  z.literal('now'),
  z.strictObject({ later: z.string().min(1) }),
  z.strictObject({ differs: z.string().min(1) }),
]);

const Standards = z.strictObject({
  parts: z.array(z.strictObject({ part: z.string(), title: z.string() })),
  rows: z.array(
    z.strictObject({
      id: z.string().regex(/^[A-Z]+-[0-9]{2}$/),
      part: z.string(),
      level: z.enum(['must', 'should', 'project']),
      source: z.string().min(1),
      requirement: z.string().min(1),
      test: z.string().optional(),
      applies: Applies,
    }),
  ),
});

export type Standards = z.infer<typeof Standards>;
export type Row = Standards['rows'][number];

/** The rows of the standards that Latchkey follows, from standards/rows.json. */
export const readStandards = (): Standards =>
  Standards.parse(JSON.parse(readFileSync(new URL('../standards/rows.json', import.meta.url), 'utf8')));
