import type { Command } from 'commander';
import { act } from '../action.ts';
import type { Context } from '../context.ts';
import { EXIT, Stop } from '../exit-codes.ts';
import { accountId } from '../find.ts';
import type { Json } from '../output.ts';

/** `latchkey profile`: what is known of people. */
export function register(command: Command, context: Context): void {
  command.addHelpText(
    'after',
    `
Claims have the names of OpenID Connect; the parts of an address stand behind a dot. An empty value takes a claim away,
and what is not named stays. A new telephone number is not verified until you say so.

Examples:
  latchkey profile set ada name="Ada Lovelace" birthdate=1815-12-10 address.country=UK
  latchkey profile set ada phone_number="+44 20 7946 0000" phone_number_verified=true
  latchkey profile set ada birthdate=
  latchkey profile show ada`,
  );

  act(
    command.command('show <account>').description('show what is known of a person'),
    context,
    async ({ output, isJson, admin }, _options, account = '') => {
      const api = await admin();
      const profile = await api.get(`/accounts/${await accountId(api, account)}/profile`);
      const shown = flat(objectIn(profile, 'claims'));
      if (isJson) return output.record(profile);
      if (Object.keys(shown).length === 0) return output.done(`Nothing is known of ${account}.`, profile);
      output.record(shown);
    },
  );

  const set = command
    .command('set <account> <claim=value...>')
    .description('set claims of a person, or take them away');
  act(set, context, async ({ output, admin }, _options, account = '') => {
    const changes = set.args.slice(1).map(changeOf);
    const api = await admin();
    const path = `/accounts/${await accountId(api, account)}/profile`;
    const known = objectIn(await api.get(path), 'claims');
    const claims = changes.reduce(withChange, changes.some(isNumber) ? without(known, VERIFIED) : known);
    output.done(`The profile of ${account} is set.`, await api.put(path, { claims }));
  });
}

interface Change {
  readonly name: string;
  readonly value: string;
}

function changeOf(text: string): Change {
  const [, name, value] = /^([a-z_.]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new Stop(
      EXIT.usage,
      `${text} is not of the form claim=value.`,
      'Such as name="Ada Lovelace", or name= for none.',
    );
  return { name, value };
}

const VERIFIED = 'phone_number_verified';
const isNumber = ({ name }: Change): boolean => name === 'phone_number';
const without = (claims: Json, name: string): Json =>
  Object.fromEntries(Object.entries(claims).filter(([one]) => one !== name));

/** The claims with one more of them changed. What they must look like is for the server to say. */
function withChange(claims: Json, { name, value }: Change): Json {
  const [outer = '', part] = name.split('.');
  if (part !== undefined) return { ...claims, [outer]: { ...objectIn(claims, outer), [part]: value } };
  if (name !== VERIFIED) return { ...claims, [name]: value };
  if (value === '' || value === 'false') return without(claims, VERIFIED);
  return { ...claims, [name]: value === 'true' ? true : value };
}

const objectIn = (row: Json, name: string): Json => {
  const value = row[name];
  return typeof value === 'object' && value !== null ? { ...value } : {};
};

/** The parts of an address as claims of their own. */
const flat = (claims: Json): Json =>
  Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([part, one]) => [`${name}.${part}`, one])
        : [[name, value]],
    ),
  );
