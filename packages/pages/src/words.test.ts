import { expect, test } from 'vitest';
import { html } from './html.ts';
import de from './messages/de.json' with { type: 'json' };
import en from './messages/en.json' with { type: 'json' };
import fr from './messages/fr.json' with { type: 'json' };
import { chooseLanguage, createWords, LANGUAGES, type MessageKey, sentence } from './words.ts';

const MESSAGES: Readonly<Record<string, Readonly<Record<string, string>>>> = { en, de, fr };
const KEYS = Object.keys(en) as MessageKey[];
const placesOf = (message: string) => new Set([...message.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name));

test.each(LANGUAGES)('%s has the sentences of English, with the same places', (language) => {
  const shape = (messages: Readonly<Record<string, string>> = {}) =>
    Object.entries(messages).map(([key, message]) => [key, placesOf(message)]);
  expect(shape(MESSAGES[language])).toEqual(shape(en));
});

test.each(LANGUAGES)('every sentence of %s can be said, and no place is left in it', (language) => {
  const words = createWords(language);
  const values = { client: 'C', account: 'A', name: 'N', days: 2, count: 2, time: 'T', address: 'D', minutes: 10 };
  const said = KEYS.map((key) =>
    words(key, { ...values, names: 'M', resource: 'R', scope: 'Z', name: 'N', browser: 'B', system: 'S', host: 'H' }),
  );
  expect(said.filter((text) => text === '' || /[{}\uE000\uE001]/.test(text))).toEqual([]);
  expect(words.language).toBe(language);
});

test.each([
  ['en', 1, 'For 1 day, also while you are not signed in.'],
  ['en', 30, 'For 30 days, also while you are not signed in.'],
  ['de', 1, 'Für 1 Tag, auch während Sie nicht angemeldet sind.'],
  ['fr', 30, 'Pendant 30 jours, même lorsque vous n’êtes pas connecté.'],
] as const)('%s counts %s days', (language, days, text) => {
  expect(createWords(language)('consent.lifetime.offline', { days })).toBe(text);
});

test('a sentence takes HTML in its places, in the order of its language', () => {
  const values = { client: html`<b>${'<C>'}</b>`, account: html`<i>A</i>` };
  expect(sentence(createWords('en'), 'consent.lead', values).html).toBe(
    '<b>&lt;C&gt;</b> asks for access to your account <i>A</i>.',
  );
});

test('a value is text, also where it looks like a place or a tag of the message', () => {
  expect(createWords('en')('status.title', { name: "{client} <b> ''" })).toBe("{client} <b> '' is running");
});

test.each([
  [[], null, 'en'],
  [[], '', 'en'],
  [['de'], null, 'de'],
  [['de-CH-1996'], 'fr', 'de'],
  [['FR-ca'], null, 'fr'],
  [['xx', 'fr', 'de'], 'de', 'fr'],
  [['xx'], 'de', 'de'],
  [['deutsch'], 'fr', 'fr'],
  [[], 'fr', 'fr'],
  [[], 'fr;q=0.5, de;q=0.8', 'de'],
  [[], 'xx, de-AT;q=0.7, en;q=0.3', 'de'],
  [[], 'de;q=0', 'en'],
  [[], 'de;q=0, fr;q=0.001', 'fr'],
  [[], 'de;q=2, fr;q=0.1', 'fr'],
  [[], 'de;q=NaN, fr;q=1.000', 'fr'],
  [[], 'de;q=0.5,fr;q=0.5', 'de'],
  [[], '*', 'en'],
  [[], 'DE ; Q=0.9', 'de'],
  [['__proto__', 'constructor', ''], 'toString;;;,,,=', 'en'],
] as const)('ui_locales %j and Accept-Language %j choose %s', (locales, header, language) => {
  expect(chooseLanguage(locales, header)).toBe(language);
});

test('what asks for too many languages is looked at no further', () => {
  expect(chooseLanguage([...Array(20).fill('xx'), 'de'], null)).toBe('en');
  expect(chooseLanguage([...Array(19).fill('xx'), 'de'], null)).toBe('de');
  expect(chooseLanguage([], `${'x,'.repeat(20)}de`)).toBe('en');
  expect(chooseLanguage([], `${' '.repeat(1_000_000)}de`)).toBe('en');
  expect(chooseLanguage(['-'.repeat(1_000_000)], `${'-'.repeat(1_000_000)};q=1`)).toBe('en');
});
