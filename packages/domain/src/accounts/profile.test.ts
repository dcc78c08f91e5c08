import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, EpochMilliseconds } from '@latchkey/protocol/types';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Account } from './account.ts';
import {
  ADDRESS_PARTS,
  formOf,
  PROFILE_TEXTS,
  type Profile,
  type ProfileClaims,
  type ProfileField,
  type ProfileInput,
  parseProfile,
} from './profile.ts';
import { decideSetProfile } from './set-profile.ts';

const FULL = {
  name: 'Ada Lovelace',
  given_name: 'Ada',
  family_name: 'Lovelace',
  middle_name: 'King',
  nickname: 'A. A. L. 👩🏽‍💻',
  profile: 'https://example.org/ada',
  picture: 'https://example.org/ada.png?size=1#top',
  website: 'http://ada.example',
  gender: 'female',
  birthdate: '1815-12-10',
  zoneinfo: 'America/Argentina/Buenos_Aires',
  locale: 'fr-CA',
  phone_number: '+442079460000;ext=12',
  address: {
    formatted: '12 St James’s Square\nLondon',
    street_address: '12 St James’s Square',
    locality: 'London',
    region: 'Greater London',
    postal_code: 'SW1Y 4RB',
    country: 'UK',
  },
  phone_number_verified: true,
} as const;

test('OIDC Core §5.1: every claim of a profile is read, in its order, and nothing else', () => {
  const input = { ...FULL, email: 'ada@example.org', sub: 'acc_2' };
  const read = parseProfile(input);
  expect(read).toEqual({ ok: true, value: FULL });
  expect(JSON.stringify(parseProfile(Object.fromEntries(Object.entries(input).reverse())))).toBe(JSON.stringify(read));
  expect(parseProfile({})).toEqual({ ok: true, value: {} });
});

test('an empty text is none, and spaces around a text are no part of it', () => {
  const input = { name: '  Ada ', nickname: ' ', address: { country: '' }, phone_number_verified: undefined };
  expect(parseProfile(input)).toEqual({ ok: true, value: { name: 'Ada' } });
});

const letters = (count: number) => 'a'.repeat(count);

/** A text of a field, and whether it has its form. */
const FORMS: readonly (readonly [ProfileField, string, boolean])[] = [
  ...(['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'gender'] as const).flatMap((field) =>
    [-1, 0, 1].map((past) => [field, letters(LIMITS.profileTextMax + past), past < 1] as const),
  ),
  ...(['address.locality', 'address.region', 'address.postal_code', 'address.country'] as const).flatMap((field) => [
    [field, letters(LIMITS.profileTextMax), true] as const,
    [field, letters(LIMITS.profileTextMax + 1), false] as const,
    [field, 'a\nb', false] as const,
  ]),
  ...(['address.formatted', 'address.street_address'] as const).flatMap((field) => [
    [field, letters(LIMITS.addressLinesMax - 1), true] as const,
    [field, letters(LIMITS.addressLinesMax), true] as const,
    [field, letters(LIMITS.addressLinesMax + 1), false] as const,
    [field, 'a\nb', true] as const,
    [field, 'a\tb', false] as const,
    [field, 'a\rb', false] as const,
  ]),
  ...['a\u0000b', 'a\nb', 'a\u2028b', 'a\u202eb', 'a\u2066b', '\ud800'].map((text) => ['name', text, false] as const),
  ['name', 'می\u200cخواهم', true],
  ...(['profile', 'picture', 'website'] as const).flatMap((field) => [
    [field, `https://a.example/${letters(LIMITS.profileUrlMax - 19)}`, true] as const,
    [field, `https://a.example/${letters(LIMITS.profileUrlMax - 18)}`, true] as const,
    [field, `https://a.example/${letters(LIMITS.profileUrlMax - 17)}`, false] as const,
    [field, 'javascript:alert(1)', false] as const,
    [field, 'data:image/png;base64,AAAA', false] as const,
  ]),
  ['website', 'HTTPS://a.example', true],
  ['website', 'a.example', false],
  ['website', '//a.example', false],
  ['website', 'https://', false],
  ['website', 'https://a.example:65536', false],
  ['website', 'https://a.example/a b', false],
  ['website', 'https://a.example/a\tb', false],
  ['website', 'https://ada@a.example', false],
  ['website', 'https://:secret@a.example', false],
  ['birthdate', '1815', true],
  ['birthdate', '0000', false],
  ['birthdate', '181', false],
  ['birthdate', '1815-12', false],
  ['birthdate', '1815-1-1', false],
  ['birthdate', '1815-12-31', true],
  ['birthdate', '1815-12-32', false],
  ['birthdate', '1815-13-01', false],
  ['birthdate', '1815-00-01', false],
  ['birthdate', '1815-01-00', false],
  ['birthdate', '1815-04-30', true],
  ['birthdate', '1815-04-31', false],
  ['birthdate', '0000-02-29', true],
  ['birthdate', '2000-02-29', true],
  ['birthdate', '1900-02-29', false],
  ['birthdate', '1904-02-29', true],
  ['birthdate', '1905-02-29', false],
  ['birthdate', '1905-02-28', true],
  ['zoneinfo', 'UTC', true],
  ['zoneinfo', 'Etc/GMT+3', true],
  ['zoneinfo', 'Europe/', false],
  ['zoneinfo', '/etc/passwd', false],
  ['zoneinfo', '../../etc', false],
  ['zoneinfo', 'a/b/c/d', false],
  ['zoneinfo', letters(LIMITS.zoneMax - 1), true],
  ['zoneinfo', letters(LIMITS.zoneMax), true],
  ['zoneinfo', letters(LIMITS.zoneMax + 1), false],
  ['locale', 'en', true],
  ['locale', 'zh-Hant-TW', true],
  ['locale', 'en_US', false],
  ['locale', 'e', false],
  ['locale', `aaaaaaaa${'-aaaaaaaa'.repeat(2)}-aaaaaaa`, true],
  ['locale', `aaaaaaaa${'-aaaaaaaa'.repeat(3)}`, true],
  ['locale', `aaaaaaaa${'-aaaaaaaa'.repeat(3)}-a`, false],
  ['phone_number', `+${'1'.repeat(LIMITS.phoneDigitsMax - 1)}`, true],
  ['phone_number', `+${'1'.repeat(LIMITS.phoneDigitsMax)}`, true],
  ['phone_number', `+${'1'.repeat(LIMITS.phoneDigitsMax + 1)}`, false],
  ['phone_number', `+12;ext=${'1'.repeat(LIMITS.phoneExtensionMax - 1)}`, true],
  ['phone_number', `+12;ext=${'1'.repeat(LIMITS.phoneExtensionMax)}`, true],
  ['phone_number', `+12;ext=${'1'.repeat(LIMITS.phoneExtensionMax + 1)}`, false],
  ['phone_number', `+12${' '.repeat(LIMITS.profileTextMax - 4)}3`, true],
  ['phone_number', `+12${' '.repeat(LIMITS.profileTextMax - 3)}3`, false],
  ['phone_number', '020 7946 0000', false],
  ['phone_number', '+0 20', false],
  ['phone_number', '+1', false],
  ['phone_number', '+12 letters', false],
  ['phone_number', '+12;ext=', false],
];

const inputOf = (field: ProfileField, value: unknown): ProfileInput => {
  const [outer, part] = field.split('.');
  return part === undefined ? { [field]: value } : { [outer ?? '']: { [part]: value } };
};

test.each(FORMS)(
  'profileTextMax, addressLinesMax, profileUrlMax, zoneMax, localeMax, phoneDigitsMax, phoneExtensionMax: %s %j is taken: %s',
  (field, text, good) => {
    const read = parseProfile(inputOf(field, text));
    if (good) expect(read).toMatchObject({ ok: true });
    else expect(read).toEqual({ ok: false, error: [field] });
  },
);

test('OIDC Core §5.1: a telephone number is kept without what separates its digits, lines end in one way', () => {
  const address = { formatted: 'Line 1\r\nLine 2' };
  expect(parseProfile({ phone_number: '+1 (604) 555-1234;ext=5678', address })).toEqual({
    ok: true,
    value: { phone_number: '+16045551234;ext=5678', address: { formatted: 'Line 1\nLine 2' } },
  });
});

test('a value of another type is wrong, wherever it stands, and all that is wrong is named', () => {
  const fields = [...PROFILE_TEXTS, ...ADDRESS_PARTS.map((part) => `address.${part}` as const)];
  for (const field of fields)
    for (const value of [7, null, true, ['x'], { x: 'y' }])
      expect(parseProfile(inputOf(field, value))).toEqual({ ok: false, error: [field] });
  for (const address of [7, null, 'Oslo', ['Oslo']])
    expect(parseProfile({ address })).toEqual({ ok: false, error: ['address'] });
  expect(parseProfile({ name: 7, address: { country: 7 }, phone_number: '', phone_number_verified: 'yes' })).toEqual({
    ok: false,
    error: ['name', 'address.country', 'phone_number_verified'],
  });
});

test.each<[ProfileInput, ProfileClaims | undefined]>([
  [
    { phone_number: '+442079460000', phone_number_verified: true },
    { phone_number: '+442079460000', phone_number_verified: true },
  ],
  [{ phone_number: '+442079460000', phone_number_verified: false }, { phone_number: '+442079460000' }],
  [{ phone_number: '+442079460000', phone_number_verified: 'true' }, undefined],
  [{ phone_number_verified: true }, undefined],
  [{ phone_number_verified: false }, undefined],
])('of %j is kept %j: only a number can be verified', (input, claims) => {
  expect(parseProfile(input)).toEqual(
    claims === undefined ? { ok: false, error: ['phone_number_verified'] } : { ok: true, value: claims },
  );
});

test('of every field there is in words what it must look like', () => {
  const fields: readonly ProfileField[] = [
    ...PROFILE_TEXTS,
    ...ADDRESS_PARTS.map((part) => `address.${part}` as const),
    'address',
    'phone_number_verified',
  ];
  for (const field of fields) expect(formOf(field)).toMatch(/^[a-z].*[^.]$/);
  expect(formOf('address.country')).toBe(formOf('name'));
});

test('whatever comes, it is read or refused; what was read is read again as it is', () => {
  const key = fc.constantFrom(...PROFILE_TEXTS, ...ADDRESS_PARTS, 'address', 'phone_number_verified', '__proto__');
  const value = fc.oneof(hostileText, fc.object({ key }), fc.anything());
  fc.assert(
    fc.property(fc.dictionary(key, value), (input) => {
      const read = parseProfile(input);
      if (read.ok) expect(parseProfile(read.value)).toEqual(read);
      else expect(read.error.length).toBeGreaterThan(0);
    }),
  );
});

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const id = 'acc_1' as AccountId;
const account: Account = { id, version: 3, createdAt: now, disabledAt: undefined, cutOff: undefined };
const administrator = { id: 'cli_admin', scope: [] };
const NUMBER = { phone_number: '+442079460000' };
const before: Profile = {
  accountId: id,
  version: 4,
  claims: { name: 'Ada', ...NUMBER, phone_number_verified: true },
  updatedAt: 5 as EpochMilliseconds,
};

const expected = (profile: Profile, actor: string, fields: string) => ({
  outcome: { ok: true, value: profile },
  expects: [],
  writes: [
    { kind: 'profile.set', profile },
    {
      kind: 'audit.append',
      entry: { at: now, event: 'profile.changed', actor, subject: { account: id }, detail: { fields } },
    },
  ],
});

test('an administrator sets a profile; the audit log names what changed, and no value', () => {
  const claims = { name: 'Ada', birthdate: '1815', address: { country: 'UK' } };
  const first: Profile = { accountId: id, version: 1, claims, updatedAt: now };
  expect(decideSetProfile({ account, profile: undefined }, { id, by: administrator, claims }, moment)).toEqual(
    expected(first, 'cli_admin', 'address birthdate name'),
  );
  const second: Profile = { ...first, version: 5 };
  expect(decideSetProfile({ account, profile: before }, { id, by: administrator, claims }, moment)).toEqual(
    expected(second, 'cli_admin', 'address birthdate phone_number phone_number_verified'),
  );
});

test('a profile that is what it was changes nothing', () => {
  const same = { id, by: administrator, claims: { ...before.claims } };
  const nothing = { expects: [], writes: [] };
  expect(decideSetProfile({ account, profile: before }, same, moment)).toEqual({
    outcome: { ok: true, value: before },
    ...nothing,
  });
  expect(decideSetProfile({ account, profile: undefined }, { ...same, claims: {} }, moment)).toEqual({
    outcome: { ok: true, value: undefined },
    ...nothing,
  });
});

test.each<[string, ProfileClaims, Profile | undefined, ProfileClaims, string]>([
  [
    'a number is not verified because its owner says so',
    { ...NUMBER, phone_number_verified: true },
    undefined,
    NUMBER,
    'phone_number',
  ],
  [
    'a number that was verified stays so while it stays',
    NUMBER,
    before,
    { ...NUMBER, phone_number_verified: true },
    'name',
  ],
  [
    'another number is not verified, whatever its owner says',
    { phone_number: '+1555', phone_number_verified: true },
    before,
    { phone_number: '+1555' },
    'name phone_number phone_number_verified',
  ],
  [
    'what was not verified stays so',
    { name: 'A', ...NUMBER },
    { ...before, claims: NUMBER },
    { name: 'A', ...NUMBER },
    'name',
  ],
  ['no number, nothing verified', { name: 'A' }, before, { name: 'A' }, 'name phone_number phone_number_verified'],
])('by its owner: %s', (_, claims, profile, kept, fields) => {
  const version = (profile?.version ?? 0) + 1;
  expect(decideSetProfile({ account, profile }, { id, by: 'owner', claims }, moment)).toEqual(
    expected({ accountId: id, version, claims: kept, updatedAt: now }, id, fields),
  );
});

test('of an account that is not there nobody sets a profile, and of a disabled one its owner does not', () => {
  const refused = (error: string) => ({ outcome: { ok: false, error }, expects: [], writes: [] });
  const command = { id, by: 'owner', claims: { name: 'A' } } as const;
  expect(decideSetProfile({ account: undefined, profile: before }, command, moment)).toEqual(refused('not_found'));
  const facts = { account: { ...account, disabledAt: now }, profile: before };
  expect(decideSetProfile(facts, command, moment)).toEqual(refused('account_disabled'));
  expect(decideSetProfile(facts, { ...command, by: administrator }, moment).outcome.ok).toBe(true);
});
