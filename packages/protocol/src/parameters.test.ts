import { formFields } from '@latchkey/testkit/arbitraries/form';
import { hostileText } from '@latchkey/testkit/arbitraries/text';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { parseParameters } from './parameters.ts';

const read = (text: string, ...names: readonly string[]) => {
  const form = parseParameters(text);
  return form.ok ? [...names.map((name) => form.value.get(name)), form.value.all('resource')] : form.error;
};

test('a form is read as URL-encoded text', () => {
  expect(read('a=1&b=%C3%A9+x&=3', 'a', 'b', '')).toEqual(['1', 'é x', '3', []]);
});

test.each([
  'scope=a&scope=b',
  'scope=a&scope=a',
  'scope=&scope=',
  'scope&scope=a',
  'x=1&y=2&x=3',
  '=1&=2',
  '%61=1&a=2',
])('ENV-03 RFC 6749 §3.2: %s repeats a parameter, and is refused', (text) => {
  expect(read(text)).toBe('parameter_repeated');
});

test('ENV-04 RFC 8707 §2: resource may repeat', () => {
  expect(read('resource=a&resource=&resource=b', 'resource')).toEqual(['a', ['a', 'b']]);
  expect(read('', 'resource')).toEqual([undefined, []]);
});

test('ENV-05 RFC 6749 §3.2: an empty parameter counts as absent', () => {
  expect(read('scope=&resource=&grant_type', 'scope', 'resource', 'grant_type')).toEqual([
    undefined,
    undefined,
    undefined,
    [],
  ]);
});

test('ENV-06 RFC 6749 §3.2: unknown parameters are ignored, and what every object has is no parameter', () => {
  expect(read('a=1&unknown=2', 'a', 'constructor', '__proto__', 'toString')).toEqual([
    '1',
    undefined,
    undefined,
    undefined,
    [],
  ]);
  expect(read('__proto__=1', '__proto__')).toEqual(['1', []]);
});

test.each([
  [LIMITS.parametersMax - 1, 'read'],
  [LIMITS.parametersMax, 'read'],
  [LIMITS.parametersMax + 1, 'parameters_too_many'],
])('a form of %d parameters: %s', (count, answer) => {
  const text = Array.from({ length: count }, (_, index) => `p${index}=${index % 2 === 0 ? '' : 'x'}`).join('&');
  const form = parseParameters(text);
  expect(form.ok ? 'read' : form.error).toBe(answer);
});

test.each([
  [LIMITS.resourcesMax - 1, 'read'],
  [LIMITS.resourcesMax, 'read'],
  [LIMITS.resourcesMax + 1, 'parameters_too_many'],
])('a form of %d resources: %s', (count, answer) => {
  const form = parseParameters(Array.from({ length: count }, (_, index) => `resource=r${index}`).join('&'));
  expect(form.ok ? form.value.all('resource').length : form.error).toBe(answer === 'read' ? count : answer);
});

test('ENV-03, ENV-05: whatever the fields, each is read once or the form is refused', () => {
  fc.assert(
    fc.property(formFields, (fields) => {
      const form = parseParameters(new URLSearchParams(fields.map(([name, value]) => [name, value])).toString());
      const names = fields.map(([name]) => name).filter((name) => name !== 'resource');
      const resources = fields.filter(([name, value]) => name === 'resource' && value !== '').map(([, value]) => value);
      if (new Set(names).size < names.length) expect(form).toEqual({ ok: false, error: 'parameter_repeated' });
      else if (resources.length > LIMITS.resourcesMax) expect(form.ok).toBe(false);
      else {
        if (!form.ok) throw new Error(form.error);
        expect(form.value.all('resource')).toEqual(resources);
        for (const [name, value] of fields)
          if (name !== 'resource') expect(form.value.get(name)).toBe(value === '' ? undefined : value);
      }
    }),
  );
});

test('whatever the text, nothing is thrown', () => {
  fc.assert(fc.property(hostileText, (text) => typeof parseParameters(text).ok === 'boolean'));
});
