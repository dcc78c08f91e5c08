/**
 * The words that most passwords of published breaches are made of, and the rows of a keyboard. Under the minimum length
 * a list of whole passwords would hold little: what people do to a short one is repeat it, count after it, or put two
 * together.
 */
const COMMON = (
  'password passwort passw0rd motdepasse contrasena senha parola wachtwoord secret geheim admin administrator root user ' +
  'guest default changeme welcome willkommen bienvenue letmein login access master superuser system server computer ' +
  'internet google facebook youtube twitter instagram amazon apple iphone samsung nokia microsoft windows linux ' +
  'qwertyuiop qwertzuiop azertyuiop asdfghjkl yxcvbnm zxcvbnm qwerty qwertz azerty asdfgh zxcvb qazwsxedc qazwsx wsxedc ' +
  'abcdefghijklmnopqrstuvwxyz abcdefgh abcdef abcd iloveyou ilove loveyou lovely love forever sweetheart princess ' +
  'angel baby honey sugar sunshine summer winter spring autumn sommer monday friday january february march april june ' +
  'july august september october november december monkey dragon tiger lion eagle falcon shark wolf panther bear horse ' +
  'butterfly chocolate cookie cheese banana orange apple cherry pepper ginger coffee football baseball basketball soccer ' +
  'hockey tennis golf liverpool arsenal chelsea barcelona realmadrid juventus manchester superman batman spiderman ' +
  'starwars pokemon pikachu naruto matrix trustno michael jennifer jordan jessica ashley daniel andrew joshua matthew ' +
  'charlie thomas robert george harley hunter buster soccer killer ranger shadow cowboy phoenix mustang ferrari porsche ' +
  'mercedes corvette yamaha diamond silver golden purple yellow freedom whatever nothing hello hallo bonjour test testing ' +
  'example sample demo temp temporary company office secure security private public database backup oracle mysql ' +
  'seven kettles hum at dawn correcthorsebatterystaple tobeornottobe maytheforcebewithyou thisismypassword mypassword ' +
  'newpassword ihatepasswords nopassword blink metallica nirvana eminem slipknot jesus christ heaven blessed family ' +
  'mother father brother sister friend friends'
).split(' ');

const KEYBOARD_ROWS = ['abcdefghijklmnopqrstuvwxyz', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm', 'qwertzuiop', 'yxcvbnm'];
const DIGITS = '01234567890123456789';
/** Pairs of a sign and the letter that it is written for. */
const LOOKALIKES = ['0o', '1i', '3e', '4a', '5s', '7t', '@a', '$s', '!i'] as const;

const reversed = (text: string): string => [...text].reverse().join('');
const plain = (text: string): string => text.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '');
const withoutLookalikes = (text: string): string =>
  LOOKALIKES.reduce((left, pair) => left.replaceAll(pair.charAt(0), pair.charAt(1)), text);

/** How many letters an attacker would still have to guess, and how many words are too few to make up for that. */
const REST_MAX = 3;
const WORDS_MAX = 2;

/**
 * Whether a password is one that an attacker tries first: a short thing repeated, a row of keys, or at most two common
 * words or words about the account, with digits and signs around them.
 *
 * @spec SP 800-63B-4 §3.1.1.2 (commonly used, expected or compromised; repetitive, sequential, context-specific)
 */
export function isBlocklisted(password: string, context: readonly string[]): boolean {
  const text = plain(password);
  if (isRepetition(text) || isSequence(text)) return true;
  const words = [...COMMON, ...context.flatMap(contextWords)].filter((word) => word.length >= 4);
  words.sort((a, b) => b.length - a.length);
  const joined = text.replace(/[^\p{L}\p{N}]+/gu, '');
  return [text, joined, withoutLookalikes(text), withoutLookalikes(joined)].some((spelling) =>
    isFewWords(spelling, words),
  );
}

/** The parts of an e-mail address or a name, and the whole of it. */
const contextWords = (text: string): readonly string[] => {
  const word = plain(text);
  return [word, ...word.split(/[^\p{L}\p{N}]+/u), word.replace(/[^\p{L}\p{N}]+/gu, '')];
};

function isRepetition(text: string): boolean {
  for (let unit = 1; unit <= text.length / 2; unit++) if (text.slice(0, -unit) === text.slice(unit)) return true;
  return new Set(text).size < 5;
}

function isSequence(text: string): boolean {
  const rows = [...KEYBOARD_ROWS, DIGITS];
  return [...rows, ...rows.map(reversed)].some((row) => (row + row).includes(text) || text === row);
}

function isFewWords(text: string, words: readonly string[]): boolean {
  let rest = text;
  let found = 0;
  for (const word of words) {
    if (!rest.includes(word)) continue;
    rest = rest.replaceAll(word, ' ');
    found += 1;
    if (found > WORDS_MAX) return false;
  }
  return found > 0 && rest.replace(/[^\p{L}]/gu, '').length <= REST_MAX;
}
