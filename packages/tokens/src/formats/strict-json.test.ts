import { jsonText, nearlyJson } from '@latchkey/testkit/arbitraries/json';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { member, parseStrictJson } from './strict-json.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));

/** A reader of its own, letter by letter: whether a JSON text names a member twice in one object, or with an escape. */
function readNames(text: string): { readonly isTwice: boolean; readonly isEscaped: boolean } {
  let at = 0;
  let isEscaped = false;
  const skip = () => {
    while (' \t\n\r'.includes(text.charAt(at)) && at < text.length) at += 1;
  };
  const string = (): string => {
    const start = at;
    at += 1;
    while (text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1;
    at += 1;
    return JSON.parse(text.slice(start, at));
  };
  const value = (): boolean => {
    skip();
    const first = text.charAt(at);
    if (first === '"') return string() === undefined;
    if (first !== '{' && first !== '[') {
      while (!',]}'.includes(text.charAt(at))) at += 1;
      return false;
    }
    const names = new Set<string>();
    let twice = false;
    at += 1;
    for (skip(); !']}'.includes(text.charAt(at)); skip()) {
      if (text.charAt(at) === ',') at += 1;
      skip();
      if (first === '{') {
        const start = at;
        const name = string();
        isEscaped ||= text.slice(start, at).includes('\\');
        twice ||= names.has(name);
        names.add(name);
        skip();
        at += 1;
      }
      twice = value() || twice;
    }
    at += 1;
    return twice;
  };
  return { isTwice: value(), isEscaped };
}

test('JWT-05 RFC 7515 §4: any JSON object is read as it stands, or refused if it names a member twice or in disguise', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const read = parse(text);
      const { isTwice, isEscaped } = readNames(text);
      if (isTwice) expect(read).toBeUndefined();
      // the engine itself may read such a name for another: then only what is written again as it came is the same
      else if (isEscaped) expect([undefined, text]).toContain(read === undefined ? undefined : JSON.stringify(read));
      else expect(read).toEqual(JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
});

test('JWT-04 RFC 7519 §7.2: whatever the bytes, the answer is an object or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(nearlyJson, fc.uint8Array()), (some) => {
      const read = typeof some === 'string' ? parse(some) : parseStrictJson(some);
      expect(read === undefined || (typeof read === 'object' && read !== null && !Array.isArray(read))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test.each([15, 16, 17])('NUM-10: objects and arrays nest %d deep', (depth) => {
  const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const arrays = `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
  expect([parse(objects), parse(arrays)].map((read) => read !== undefined)).toEqual([depth <= 16, depth <= 16]);
});

test('JWT-05 RFC 8259 §8.3: a name that V8 reads for another, after an object with a backslash in that place, is refused', () => {
  const text = '{"x":1,"\\\\":{"x":1,"\\u0061":""}}';
  for (let time = 0; time < 4; time++) expect(parse(text)).toBeUndefined();
  expect(parse('{"\\u0061":1}')).toBeUndefined();
  expect(parse('{"\\"":1,"\\\\":2}')).toEqual({ '"': 1, '\\': 2 });
});

test('JWT-05: quotes and brackets inside of strings are letters', () => {
  expect(parse('{"a":"\\"","b\\\\":"{\\"a\\":1,\\"a\\":2}","c":["a","a",{"a":"}"}]}')).toEqual({
    a: '"',
    'b\\': '{"a":1,"a":2}',
    c: ['a', 'a', { a: '}' }],
  });
});

test('JWT-06: only own members are read', () => {
  const object = parse('{"__proto__":{"admin":true},"a":1}') ?? {};
  expect(['a', '__proto__', 'admin', 'constructor', 'toString'].map((name) => member(object, name))).toEqual([
    1,
    { admin: true },
    undefined,
    undefined,
    undefined,
  ]);
});

test('a fault of the engine is no refusal: it is thrown on', () => {
  vi.spyOn(JSON, 'parse').mockImplementation(() => {
    throw new RangeError('out of memory');
  });
  expect(() => parse('{}')).toThrow(RangeError);
});
