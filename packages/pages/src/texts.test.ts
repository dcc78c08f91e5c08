import { LIMITS } from '@latchkey/protocol/limits';
import { expect, test } from 'vitest';
import { html } from './html.ts';
import de from './messages/de.json' with { type: 'json' };
import en from './messages/en.json' with { type: 'json' };
import fr from './messages/fr.json' with { type: 'json' };
import { parseTexts } from './texts.ts';
import { createWords, sentence } from './words.ts';

const problems = (value: unknown) => {
  const read = parseTexts(value);
  return read.ok ? [] : read.error;
};

test('texts of one’s own take the place of ours, and only they', () => {
  const read = parseTexts({
    en: { 'signin.title': 'Welcome', 'consent.lead': '{account}: shall {client} come in?' },
    de: {},
  });
  const words = createWords('en', read.ok ? read.value.en : {});
  expect([words('signin.title'), words('signin.submit')]).toEqual(['Welcome', 'Sign in']);
  const values = { client: html`<b>C</b>`, account: html`<i>A</i>` };
  expect(sentence(words, 'consent.lead', values).html).toBe('<i>A</i>: shall <b>C</b> come in?');
  expect(createWords('de')('signin.title')).toBe(de['signin.title']);
});

test('every text of ours would do as a text of one’s own', () => {
  expect(problems({ en, de, fr })).toEqual([]);
});

test('a number may stand in a plural or plainly', () => {
  const texts = { 'consent.lifetime.offline': '{days} days' };
  expect(problems({ en: texts })).toEqual([]);
  expect(createWords('en', texts)('consent.lifetime.offline', { days: 3 })).toBe('3 days');
});

const client = (text: unknown) => ({ en: { 'signin.lead': text } });
test.each([
  [null, 'It holds no JSON object of languages.'],
  [[], 'It holds no JSON object of languages.'],
  ['text', 'It holds no JSON object of languages.'],
  [{ it: {} }, '"it" is no language of the pages; they are en, de, fr.'],
  [{ EN: {} }, '"EN" is no language of the pages; they are en, de, fr.'],
  [{ en: 'text' }, 'en holds no JSON object of texts.'],
  [{ en: { 'signin.titel': 'x' } }, 'en, "signin.titel": There is no such text.'],
  [JSON.parse('{"en": {"__proto__": "x"}}'), 'en, "__proto__": There is no such text.'],
  [{ en: { toString: 'x' } }, 'en, "toString": There is no such text.'],
  [client(1), 'en, "signin.lead": It is no text, or an empty one.'],
  [client('  '), 'en, "signin.lead": It is no text, or an empty one.'],
  [
    { en: { 'mail.reset_password.subject': 'one\ntwo {name}' } },
    'en, "mail.reset_password.subject": It has a line break or a character that nobody sees.',
  ],
  [
    { en: { 'mail.closing': 'one\u202e\ntwo' } },
    'en, "mail.closing": It has a line break or a character that nobody sees.',
  ],
  [client('to {client}\n'), 'en, "signin.lead": It has a line break or a character that nobody sees.'],
  [client('to {client} \u202e'), 'en, "signin.lead": It has a line break or a character that nobody sees.'],
  [client('\uE000account\uE001 {client}'), 'en, "signin.lead": It has a line break or a character that nobody sees.'],
  [client('to {client'), /^en, "signin.lead": It is no ICU message/],
  [client('to {client, plural, one {x}}'), /^en, "signin.lead": It is no ICU message/],
  [client('to {client, number, ::currency/nonsense}'), /^en, "signin.lead": (It is no ICU|The place)/],
  [client('to everybody'), 'en, "signin.lead": The place {client} is missing.'],
  [client("to '{client}'"), 'en, "signin.lead": The place {client} is missing.'],
  [client('to {client} of {account}'), 'en, "signin.lead": There is no place {account}.'],
  [client('to {client, date}'), 'en, "signin.lead": The place {client} is formatted in a way that does not fit it.'],
  [
    client('{client, select, a {x} other {{client}}}'),
    'en, "signin.lead": The place {client} is formatted in a way that does not fit it.',
  ],
  [
    { en: { 'consent.lifetime.offline': '{days, plural, one {# day of {client}} other {# days}}' } },
    'en, "consent.lifetime.offline": There is no place {client}.',
  ],
  [
    { en: { 'consent.lifetime.offline': '{days, selectordinal, other {#th day}} {days, time}' } },
    'en, "consent.lifetime.offline": The place {days} is formatted in a way that does not fit it.',
  ],
])('%j is told as a mistake', (value, problem) => {
  const found = problems(value);
  expect(found).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
});

test('all mistakes are told at once', () => {
  expect(problems({ en: { a: 'x', 'signin.title': '' }, xx: {}, de: { 'signin.lead': 'x' } })).toHaveLength(4);
});

test.each([
  [LIMITS.pagesTextMax - 1, 0],
  [LIMITS.pagesTextMax, 0],
  [LIMITS.pagesTextMax + 1, 1],
])('pagesTextMax: a text of %d characters has %d problems', (length, count) => {
  expect(problems({ en: { 'signin.title': 'x'.repeat(length) } })).toHaveLength(count);
});
