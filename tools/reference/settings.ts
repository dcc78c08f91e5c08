import { flagOf } from '@latchkey/server/read-settings';
import { SETTINGS } from '@latchkey/server/settings';
import { z } from 'zod';
import { code, page, table } from './markdown.ts';

/** docs/reference/settings.md: every setting of the server. */
export function settingsPage(): string {
  const rows = Object.entries(SETTINGS).map(([name, { env, schema, fallback, doc }]) => [
    `${code(flagOf(name))}<br>${code(env)}<br>${code(name)}`,
    valuesOf(schema),
    fallback === undefined ? '–' : code(JSON.stringify(fallback)),
    doc,
  ]);
  return page('Settings', '`packages/server/src/settings.ts`', [
    'A setting is read from its flag, its environment variable, `latchkey.config.json` in the working directory, and its ' +
      'default, in this order. All mistakes are told at once, before the port opens; `latchkey config check` looks for ' +
      'them without starting anything.',
    table(['Flag, variable, member of the file', 'Values', 'Default', 'What it is'], rows),
  ]);
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly anyOf?: readonly unknown[];
}

function valuesOf(schema: z.ZodType): string {
  const json: JsonSchema = z.toJSONSchema(schema, { unrepresentable: 'any' }) as JsonSchema;
  if (json.enum !== undefined) return json.enum.map(code).join(', ');
  if (json.type === 'integer') return `${json.minimum} to ${json.maximum}`;
  if (json.format === 'uri') return 'a URL';
  if (json.type === 'array') return 'a list, in JSON';
  if (json.anyOf !== undefined) return 'a list; as text, separated by commas';
  return 'text';
}
