import { form } from '../form.ts';
import { type Html, html } from '../html.ts';
import type { MessageKey, Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** A field of the profile: how browsers name what it asks for, what it must look like, and whether it has lines. */
interface Field {
  readonly autocomplete: string;
  readonly hint?: MessageKey;
  readonly hasLines?: true;
}

const URL_HINT = { hint: 'account.profile.hint.url' } as const;

/** In the order in which they are asked for. @spec OIDC Core §5.1; WCAG 2.2, 1.3.5 (`autocomplete`) */
const FIELDS = {
  name: { autocomplete: 'name' },
  given_name: { autocomplete: 'given-name' },
  middle_name: { autocomplete: 'additional-name' },
  family_name: { autocomplete: 'family-name' },
  nickname: { autocomplete: 'nickname' },
  birthdate: { autocomplete: 'bday', hint: 'account.profile.hint.birthdate' },
  gender: { autocomplete: 'sex' },
  phone_number: { autocomplete: 'tel', hint: 'account.profile.hint.phone' },
  'address.street_address': { autocomplete: 'street-address', hasLines: true },
  'address.postal_code': { autocomplete: 'postal-code' },
  'address.locality': { autocomplete: 'address-level2' },
  'address.region': { autocomplete: 'address-level1' },
  'address.country': { autocomplete: 'country-name' },
  'address.formatted': { autocomplete: 'off', hasLines: true },
  website: { autocomplete: 'url', ...URL_HINT },
  profile: { autocomplete: 'off', ...URL_HINT },
  picture: { autocomplete: 'photo', ...URL_HINT },
  locale: { autocomplete: 'language', hint: 'account.profile.hint.locale' },
  zoneinfo: { autocomplete: 'off', hint: 'account.profile.hint.zone' },
} as const satisfies Readonly<Record<string, Field>>;

type FieldName = keyof typeof FIELDS;

/** The fields that the form sends: the claims by their names, the parts of the address behind a dot. */
export const PROFILE_FIELDS = Object.keys(FIELDS) as readonly FieldName[];

/** What the page of the profile shows. */
export interface ProfileModel extends AccountPart {
  /** What stands in the fields, by their names. */
  readonly values: Readonly<Record<string, string>>;
  /** The fields that have not their form. */
  readonly wrong: readonly string[];
  readonly isPhoneVerified: boolean;
}

/** The page of what is known of a person, all of which they may leave empty. */
export function profilePage(model: ProfileModel, words: Words): string {
  const { home, hidden, wrong } = model;
  return accountPart(
    words('account.profile.title'),
    model,
    html`<p class="muted">${words('account.profile.lead')}</p>
${wrong.length === 0 ? '' : html`<p role="alert" id="error">${words('account.profile.error')}</p>`}
${form(
  `${home}/profile`,
  hidden,
  html`${PROFILE_FIELDS.map((name) => fieldOf(name, model, words))}
<div class="buttons"><button class="main" type="submit">${words('account.profile.submit')}</button></div>`,
)}`,
    words,
  );
}

function fieldOf(name: FieldName, { values, wrong, isPhoneVerified }: ProfileModel, words: Words): Html {
  const { autocomplete, hint, hasLines }: Field = FIELDS[name];
  const id = name.replace('.', '_');
  const isWrong = wrong.includes(name);
  const hints = [
    ...(hint === undefined ? [] : [words(hint)]),
    ...(name === 'phone_number' && isPhoneVerified ? [words('account.profile.phone_verified')] : []),
  ];
  const described = [...(isWrong ? ['error'] : []), ...(hints.length === 0 ? [] : [`${id}_hint`])].join(' ');
  const marks = html`${isWrong ? html` aria-invalid="true"` : ''}${described === '' ? '' : html` aria-describedby="${described}"`}`;
  const value = values[name] ?? '';
  const label = html`
<label for="${id}">${words(`account.profile.field.${name}`)}</label>
`;
  // a browser leaves out the first line break of a text area
  const input =
    hasLines === true
      ? html`<textarea id="${id}" name="${name}" rows="3" autocomplete="${autocomplete}"${marks}>${'\n'}${value}</textarea>`
      : html`<input id="${id}" name="${name}" type="text" value="${value}" autocomplete="${autocomplete}"${marks}>`;
  return html`${label}${input}${hints.length === 0 ? '' : html`<p class="muted" id="${id}_hint">${hints.join(' ')}</p>`}`;
}
