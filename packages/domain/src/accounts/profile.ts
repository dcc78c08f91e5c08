import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId, EpochMilliseconds } from '@latchkey/protocol/types';

/** The claims about a person that are text. @spec OIDC Core §5.1 */
export const PROFILE_TEXTS = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
] as const;

/** The parts of a postal address. @spec OIDC Core §5.1.1 */
export const ADDRESS_PARTS = ['formatted', 'street_address', 'locality', 'region', 'postal_code', 'country'] as const;

export type ProfileText = (typeof PROFILE_TEXTS)[number];
export type AddressPart = (typeof ADDRESS_PARTS)[number];
export type ProfileField = ProfileText | 'address' | `address.${AddressPart}` | 'phone_number_verified';

/** What is known of a person beside the names that they sign in with, as far as somebody said it. */
export type ProfileClaims = { readonly [K in ProfileText]?: string } & {
  readonly address?: { readonly [K in AddressPart]?: string };
  /** Only an administrator says so; it stands beside a number, or not at all. */
  readonly phone_number_verified?: boolean;
};

/** A stored profile. */
export interface Profile {
  readonly accountId: AccountId;
  readonly version: number;
  readonly claims: ProfileClaims;
  readonly updatedAt: EpochMilliseconds;
}

/** What a claim must look like: in words, for whoever has to mend it, and as its reader. */
interface Form {
  readonly words: string;
  /** The text as it is kept; undefined when it has not the form. */
  readonly read: (text: string) => string | undefined;
}

/** Control characters, halves of pairs, and what would turn the direction of the text around it. */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

const LINE: Form = {
  words: `at most ${LIMITS.profileTextMax} characters on one line`,
  read: (text) => (text.length <= LIMITS.profileTextMax && !UNSEEN.test(text) ? text : undefined),
};

const LINES: Form = {
  words: `at most ${LIMITS.addressLinesMax} characters, on several lines or one`,
  read(text) {
    const lines = text.replaceAll('\r\n', '\n');
    return lines.length <= LIMITS.addressLinesMax && !UNSEEN.test(lines.replaceAll('\n', ' ')) ? lines : undefined;
  },
};

const WEB_ADDRESS: Form = {
  words: `an http or https URL of at most ${LIMITS.profileUrlMax} characters, without user and password`,
  read(text) {
    if (text.length > LIMITS.profileUrlMax || !/^https?:\/\/[^\s\p{Cc}]+$/iu.test(text)) return undefined;
    if (!URL.canParse(text)) return undefined;
    const { username, password } = new URL(text);
    return username === '' && password === '' ? text : undefined;
  },
};

const BIRTHDATE: Form = {
  words: 'a day as YYYY-MM-DD, where the year may be 0000, or a year as YYYY',
  read(text) {
    const [, year, month, day] = /^(\d{4})(?:-(\d{2})-(\d{2}))?$/.exec(text) ?? [];
    if (year === undefined) return undefined;
    const isThere =
      month === undefined ? year !== '0000' : Number(day) >= 1 && Number(day) <= daysOf(Number(year), Number(month));
    return isThere ? text : undefined;
  },
};

/** The days of a month; a year that is not told, 0000, is a leap year. */
function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}

const ZONE: Form = {
  words: `a name of the time zone database of at most ${LIMITS.zoneMax} characters, such as Europe/Paris`,
  read: (text) =>
    text.length <= LIMITS.zoneMax && /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/.test(text)
      ? text
      : undefined,
};

const LOCALE: Form = {
  words: `a language tag of at most ${LIMITS.localeMax} characters, such as en or fr-CA`,
  read: (text) =>
    text.length <= LIMITS.localeMax && /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/.test(text) ? text : undefined,
};

/** Kept without what separates the digits, so that one number is one text. */
const PHONE: Form = {
  words: `a number as +CC…, of at most ${LIMITS.phoneDigitsMax} digits, with ;ext= and at most ${LIMITS.phoneExtensionMax} more`,
  read(text) {
    if (text.length > LIMITS.profileTextMax) return undefined;
    const [, number, extension] = /^\+([1-9][0-9 ().-]*)(?:;ext=([0-9]+))?$/.exec(text) ?? [];
    const digits = number?.replace(/[^0-9]/g, '');
    if (digits === undefined || digits.length < 2 || digits.length > LIMITS.phoneDigitsMax) return undefined;
    if (extension === undefined) return `+${digits}`;
    return extension.length > LIMITS.phoneExtensionMax ? undefined : `+${digits};ext=${extension}`;
  },
};

const TEXTS: Readonly<Record<ProfileText, Form>> = {
  name: LINE,
  given_name: LINE,
  family_name: LINE,
  middle_name: LINE,
  nickname: LINE,
  profile: WEB_ADDRESS,
  picture: WEB_ADDRESS,
  website: WEB_ADDRESS,
  gender: LINE,
  birthdate: BIRTHDATE,
  zoneinfo: ZONE,
  locale: LOCALE,
  phone_number: PHONE,
};

const PARTS: Readonly<Record<AddressPart, Form>> = {
  formatted: LINES,
  street_address: LINES,
  locality: LINE,
  region: LINE,
  postal_code: LINE,
  country: LINE,
};

/** What a field of a profile must look like, in words. */
export function formOf(field: ProfileField): string {
  if (field === 'address') return 'an object with its parts';
  if (field === 'phone_number_verified') return 'true or false, beside a phone_number';
  const part = ADDRESS_PARTS.find((name) => field === `address.${name}`);
  return part === undefined ? TEXTS[field as ProfileText].words : PARTS[part].words;
}

/** The fields of a profile as somebody sent them: nothing is known of their values. */
export type ProfileInput = { readonly [K in ProfileText | 'address' | 'phone_number_verified']?: unknown };

/**
 * Reads a profile. White space around a text is a slip of the keyboard, and an empty text is none.
 *
 * @returns the fields that have not their form
 * @spec OIDC Core §5.1, §5.1.1; E.164 and RFC 3966 (phone_number); RFC 5646 (locale)
 */
export function parseProfile(input: ProfileInput): Result<ProfileClaims, readonly ProfileField[]> {
  const wrong: ProfileField[] = [];
  const texts = readTexts(PROFILE_TEXTS, input, TEXTS, (name) => wrong.push(name));
  const address = readAddress(input.address, (name) => wrong.push(name));
  const verified = input.phone_number_verified;
  const isSaid = verified === undefined || (typeof verified === 'boolean' && texts.phone_number !== undefined);
  if (!isSaid) wrong.push('phone_number_verified');
  if (wrong.length > 0) return fail(wrong);
  return ok({
    ...texts,
    ...(Object.keys(address).length === 0 ? {} : { address }),
    ...(verified === true ? { phone_number_verified: true } : {}),
  });
}

function readAddress(
  value: unknown,
  onWrong: (field: 'address' | `address.${AddressPart}`) => void,
): { readonly [K in AddressPart]?: string } {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return readTexts(ADDRESS_PARTS, value, PARTS, (name) => onWrong(`address.${name}`));
  onWrong('address');
  return {};
}

function readTexts<K extends string>(
  names: readonly K[],
  input: object,
  forms: Readonly<Record<K, Form>>,
  onWrong: (name: K) => void,
): { readonly [N in K]?: string } {
  const texts: { [N in K]?: string } = {};
  for (const name of names) {
    const value: unknown = Object.hasOwn(input, name) ? (input as Readonly<Record<K, unknown>>)[name] : undefined;
    const text = value === undefined ? '' : typeof value === 'string' ? value.trim() : undefined;
    if (text === '') continue;
    const read = text === undefined ? undefined : forms[name].read(text);
    if (read === undefined) onWrong(name);
    else texts[name] = read;
  }
  return texts;
}
