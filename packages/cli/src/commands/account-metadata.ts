import type { Command } from 'commander';
import { act } from '../action.ts';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { accountId } from '../find.ts';
import type { Json } from '../output.ts';

/** `latchkey account metadata`: what is kept about an account for its APIs. */
export function registerMetadata(account: Command, context: Context): void {
  const command = account
    .command('metadata')
    .description('what is kept about an account for its APIs')
    .addHelpText(
      'after',
      `
name=value keeps a text, name:=value a number, true or false, or a list of texts in JSON, and name= keeps nothing any
more. What is not named stays. Resources map entries to claims: latchkey resource set --claim plan=plan

Examples:
  latchkey account metadata set ada plan=gold seats:=12 regions:='["north","south"]' --tenant acme
  latchkey account metadata set ada plan=
  latchkey account metadata show ada`,
    );

  act(
    command.command('show <account>').description('show what is kept about an account'),
    context,
    async ({ output, isJson, admin }, _options, name = '') => {
      const api = await admin();
      const metadata = await api.get(`/accounts/${await accountId(api, name)}/metadata`);
      if (isJson) return output.record(metadata);
      const { tenant } = metadata;
      const rows: Json = { ...(tenant === undefined ? {} : { tenant }), ...valuesIn(metadata) };
      if (Object.keys(rows).length === 0) return output.done(`Nothing is kept about ${name}.`, metadata);
      output.record(rows);
    },
  );

  const set = command
    .command('set <account> [name=value...]')
    .description('keep something about an account, or nothing any more')
    .option('--tenant <name>', 'the organisation that it belongs to; empty for none');
  act<{ readonly tenant?: string }>(set, context, async ({ output, admin }, options, name = '') => {
    const changes = set.args.slice(1).map(changeOf);
    const api = await admin();
    const path = `/accounts/${await accountId(api, name)}/metadata`;
    const known = await api.get(path);
    const tenant = options.tenant ?? known.tenant;
    const values = changes.reduce(withChange, valuesIn(known));
    const body = { version: known.version, values, ...(tenant === undefined || tenant === '' ? {} : { tenant }) };
    output.done(`The metadata of ${name} are set.`, await api.put(path, body));
  });
}

interface Change {
  readonly name: string;
  /** Undefined for an entry that goes. */
  readonly value: unknown;
}

function changeOf(text: string): Change {
  const [, name, how, value] = /^([^=:]+)(:?=)(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw malformed(text);
  if (how === '=') return { name, value: value === '' ? undefined : value };
  try {
    return { name, value: JSON.parse(value) };
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed(text);
    throw error;
  }
}

const malformed = (text: string): Stop =>
  new Stop(EXIT.usage, `${text} is not of the form name=value.`, 'Such as plan=gold, seats:=12, or plan= for none.');

/** The entries with one more of them changed. What they may be is for the server to say. */
const withChange = (values: Json, { name, value }: Change): Json => {
  const others = Object.fromEntries(Object.entries(values).filter(([one]) => one !== name));
  return value === undefined ? others : { ...others, [name]: value };
};

const valuesIn = ({ values }: Json): Json => (typeof values === 'object' && values !== null ? { ...values } : {});
