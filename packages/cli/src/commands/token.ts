import type { Command } from 'commander';
import { act } from '../action.ts';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { type Json, printable } from '../output.ts';
import { readSecret } from '../secret-input.ts';

const ERROR_ID = /^[A-Za-z0-9._-]{1,60}-[0-9a-z]{1,20}$/;
const ENDED: Readonly<Record<string, string>> = { ended: 'has ended', was_over: 'was over already' };

/** `latchkey token`: revoke one, or explain why it was refused. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
Credentials come from a prompt, from --file, or on standard input; never from the command line.

Examples:
  latchkey token explain s1f2e3d4-a1       the error id that a refusal told
  latchkey token explain < token.txt
  latchkey token revoke --id fam_01...`,
  );

  const revoke = command
    .command('revoke')
    .description('revoke an access token, or a refresh token with its whole family')
    .option('--id <id>', 'name it by its jti (tok_...) or family (fam_...) instead')
    .option('--file <file>', 'read the token from a file instead of asking');
  act<{ readonly id?: string; readonly file?: string }>(revoke, context, async ({ output, admin }, { id, file }) => {
    const body =
      id === undefined
        ? { credential: await readSecret(context, { what: 'token', file, isNew: false }) }
        : { id: notACredential(id) };
    const row = await (await admin()).post('/tokens/revoke', body);
    output.done(`The ${String(row.kind)} ${String(row.id)} ${ENDED[String(row.result)] ?? String(row.result)}.`, row);
  });

  const explain = command
    .command('explain [error-id]')
    .description('say why a token was refused: every check in order, and what to do')
    .option('--file <file>', 'read the token from a file instead of asking');
  act<{ readonly file?: string }>(explain, context, async ({ output, admin, isJson }, { file }, given) => {
    const text =
      given === undefined
        ? (await readSecret(context, { what: 'credential or error id', file, isNew: false })).trim()
        : notACredential(given);
    const body = ERROR_ID.test(text) ? { error_id: text } : { credential: text };
    const answer = await (await admin()).post('/explain', body);
    if (isJson) output.record(answer);
    else for (const line of explanationLines(answer)) context.out(`${printable(line)}\n`);
  });
}

/** A command line is read by every user of the machine and kept by the shell. */
function notACredential(text: string): string {
  if (text.length <= 100 && !text.startsWith('lk_') && !text.startsWith('eyJ')) return text;
  throw new Stop(
    EXIT.usage,
    'This looks like a credential. Credentials do not go on the command line.',
    'Send it on standard input. As it stands in the history of the shell now, revoke it.',
  );
}

const MARKS: Readonly<Record<string, string>> = { passed: 'ok', failed: 'NO', not_reached: '..' };

/** An explanation as people read it. */
function explanationLines({ kind, checks, event, advice }: Json): readonly string[] {
  const rows: readonly Json[] = Array.isArray(checks) ? checks : [];
  const happened = event as Json | undefined;
  return [
    `This is ${String(kind)}.`,
    ...rows.map(({ result, text }) => `  ${MARKS[String(result)] ?? '  '}  ${String(text)}`),
    ...(happened === undefined
      ? []
      : [
          `What happened: ${String(happened.what)}, ${String(happened.when)}, by ${String(happened.by)}. ${String(happened.why)}`,
        ]),
    `What to do: ${String(advice)}`,
  ];
}
