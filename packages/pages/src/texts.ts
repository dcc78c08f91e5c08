import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { IntlMessageFormat } from 'intl-messageformat';
import { hasInvisible } from './name.ts';
import { LANGUAGES, type Language, type MessageKey, messageOf } from './words.ts';

/** Sentences of a deployment's own, in the place of ours. */
export type Texts = Readonly<Partial<Record<Language, TextsOfLanguage>>>;
export type TextsOfLanguage = Readonly<Partial<Record<MessageKey, string>>>;

/**
 * Reads `{"en": {"signin.title": "…"}}`. A text has the places of the one that it replaces, each of them as it was or
 * plain, so that no page can fail on it later or leave out for whom somebody signs in.
 *
 * @returns the texts, or every mistake in them
 */
export function parseTexts(value: unknown): Result<Texts, readonly string[]> {
  if (!isRecord(value)) return fail(['It holds no JSON object of languages.']);
  const problems = Object.entries(value).flatMap(([language, texts]) => problemsOf(language, texts));
  return problems.length > 0 ? fail(problems) : ok(value as Texts); // every language and text was looked at
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isOurs = (name: string): name is Language => LANGUAGES.some((language) => language === name);

function problemsOf(name: string, texts: unknown): readonly string[] {
  if (!isOurs(name)) return [`${JSON.stringify(name)} is no language of the pages; they are ${LANGUAGES.join(', ')}.`];
  if (!isRecord(texts)) return [`${name} holds no JSON object of texts.`];
  return Object.entries(texts).flatMap(([key, text]) => {
    const problem = problemOf(key, text, name);
    return problem === undefined ? [] : [`${name}, ${JSON.stringify(key)}: ${problem}`];
  });
}

function problemOf(key: string, text: unknown, language: Language): string | undefined {
  const ours = messageOf(language, key);
  if (ours === undefined) return 'There is no such text.';
  if (typeof text !== 'string' || text.trim() === '') return 'It is no text, or an empty one.';
  if (text.length > LIMITS.pagesTextMax) return `It is longer than ${LIMITS.pagesTextMax} characters.`;
  if (hasInvisible(mayBreak(key) ? text.replaceAll('\n', ' ') : text))
    return 'It has a line break or a character that nobody sees.';
  const [known, given] = [placesIn(ours, language), placesIn(text, language)];
  if (given === undefined) return 'It is no ICU message: a brace is not closed, or a plural lacks its other.';
  for (const name of known?.keys() ?? []) if (!given.has(name)) return `The place {${name}} is missing.`;
  for (const [name, kinds] of given) {
    const allowed = known?.get(name);
    if (allowed === undefined) return `There is no place {${name}}.`;
    if ([...kinds].some((kind) => kind !== PLAIN && !allowed.has(kind)))
      return `The place {${name}} is formatted in a way that does not fit it.`;
  }
  return undefined;
}

/** Lines of a mail may break; its subject may not. */
const mayBreak = (key: string): boolean => key.startsWith('mail.') && !key.endsWith('.subject');

type Element = ReturnType<IntlMessageFormat['getAst']>[number];

/** Kinds of elements, as the parser numbers them: a text, a plain place, and the # of a plural. */
const [LITERAL, PLAIN, POUND] = [0, 1, 7];

/** The places of a message, each with the kinds in which it stands there; undefined where it is none. */
function placesIn(message: string, language: Language): ReadonlyMap<string, ReadonlySet<number>> | undefined {
  const places = new Map<string, Set<number>>();
  const elements = parsed(message, language);
  const left = [...(elements ?? [])];
  for (let element = left.pop(); element !== undefined; element = left.pop()) {
    const kind: number = element.type;
    if (kind === LITERAL || kind === POUND || !('value' in element)) continue;
    places.set(element.value, (places.get(element.value) ?? new Set()).add(kind));
    if ('options' in element) for (const { value } of Object.values(element.options)) left.push(...value);
  }
  return elements === undefined ? undefined : places;
}

function parsed(message: string, language: Language): readonly Element[] | undefined {
  try {
    return new IntlMessageFormat(message, language, undefined, { ignoreTag: true }).getAst();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
