import { IntlMessageFormat } from 'intl-messageformat';
import { type Html, html } from './html.ts';
import de from './messages/de.json' with { type: 'json' };
import en from './messages/en.json' with { type: 'json' };
import fr from './messages/fr.json' with { type: 'json' };

/** Names one sentence of the pages. */
export type MessageKey = keyof typeof en;

/** Another language may lack no sentence: the compiler refuses it here. */
const MESSAGES = { en, de, fr } as const satisfies Readonly<Record<string, Readonly<Record<MessageKey, string>>>>;

/** A language that the pages speak. */
export type Language = keyof typeof MESSAGES;

export const LANGUAGES: readonly Language[] = ['en', 'de', 'fr'];

/** The sentences of one language, as text that is not yet escaped. */
export interface Words {
  (key: MessageKey, values?: Readonly<Record<string, string | number>>): string;
  readonly language: Language;
}

/** What we say in a language, as a message of ICU; undefined where we say nothing under this key. */
export const messageOf = (language: Language, key: string): string | undefined =>
  Object.hasOwn(MESSAGES[language], key) ? MESSAGES[language][key as MessageKey] : undefined;

/**
 * Makes the words of a language. Each sentence is parsed once, when it is first said: keep what this returns.
 *
 * @param texts sentences of a deployment's own, which `parseTexts` has checked
 */
export function createWords(language: Language, texts: Readonly<Partial<Record<MessageKey, string>>> = {}): Words {
  const formats = new Map<MessageKey, IntlMessageFormat>();
  const formatOf = (key: MessageKey): IntlMessageFormat => {
    const known = formats.get(key);
    if (known !== undefined) return known;
    // Tags are not read: what a translator writes is text, and HTML comes from the pages alone.
    const made = new IntlMessageFormat(texts[key] ?? MESSAGES[language][key], language, undefined, { ignoreTag: true });
    formats.set(key, made);
    return made;
  };
  return Object.assign(
    (key: MessageKey, values?: Readonly<Record<string, string | number>>) =>
      String(formatOf(key).format({ ...values })),
    { language },
  );
}

/** For pages that are asked for without a language. */
export const ENGLISH: Words = createWords('en');

const [OPEN, CLOSE] = ['\uE000', '\uE001'];

/**
 * Says a sentence that has HTML in its places, such as a name in a `<bdi>`.
 *
 * Marks from the private use area stand in the places while the sentence is made, and no sentence has such marks itself;
 * the HTML comes in after that, so nothing in it can be taken for a mark.
 */
export function sentence(words: Words, key: MessageKey, values: Readonly<Record<string, Html>>): Html {
  const marks = Object.fromEntries(Object.keys(values).map((name) => [name, `${OPEN}${name}${CLOSE}`]));
  const parts = words(key, marks)
    .split(OPEN)
    .flatMap((part) => {
      const end = part.indexOf(CLOSE);
      return end < 0 ? [html`${part}`] : [values[part.slice(0, end)] ?? html``, html`${part.slice(end + 1)}`];
    });
  return html`${parts}`;
}

/** Nobody speaks more languages; what asks for more is looked at no further. */
const ASKED_MAX = 20;
const HEADER_LENGTH_MAX = 1000;

/**
 * Chooses the language of the pages: what the client asked for comes first, then what the browser prefers, then English.
 *
 * A tag matches by its first part, so that `de-CH` is answered in German. Whatever the input, one of ours comes out.
 *
 * @spec OpenID Connect Core 1.0 §3.1.2.1 (ui_locales)
 * @spec RFC 9110 §12.5.4 (Accept-Language)
 */
export function chooseLanguage(uiLocales: readonly string[], acceptLanguage: string | null): Language {
  const wanted = [...uiLocales.slice(0, ASKED_MAX), ...preferred(acceptLanguage ?? '')];
  return wanted.map(ours).find((language) => language !== undefined) ?? 'en';
}

const ours = (tag: string): Language | undefined => {
  const [first = ''] = tag.slice(0, 100).toLowerCase().split('-');
  return LANGUAGES.find((language) => language === first);
};

const preferred = (header: string): readonly string[] =>
  header
    .slice(0, HEADER_LENGTH_MAX)
    .split(',', ASKED_MAX)
    .map((item) => {
      const [tag = '', parameter] = item.split(';').map((part) => part.trim());
      return { tag, weight: weightOf(parameter) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ tag }) => tag);

/** A weight that is not one counts as none: the item is left out. */
const weightOf = (parameter: string | undefined): number => {
  if (parameter === undefined) return 1;
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i.test(parameter) ? Number(parameter.slice(2)) : 0;
};
