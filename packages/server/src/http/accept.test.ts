import { expect, test } from 'vitest';
import { prefers } from './accept.ts';

const JWT = 'application/token-introspection+jwt';
const LONG = `${JWT};q=1.0001`;

test.each([
  [null, false],
  ['', false],
  ['*/*', false],
  ['application/*', false],
  ['application/json', false],
  ['application/jwt', false],
  [JWT, true],
  [JWT.toUpperCase(), true],
  [`${JWT} ; q=1`, true],
  [`text/html, ${JWT}`, true],
  [`${JWT}, application/json`, false],
  [`application/json, ${JWT}`, false],
  [`${JWT}, application/json;q=0.9`, true],
  [`${JWT}, */*;q=0.8`, true],
  [`${JWT}, application/*;q=0.8`, true],
  [`${JWT};q=0.5, */*;q=0.1, application/json;q=0.4`, true],
  [`${JWT};q=0.5, application/json;q=0.6`, false],
  [`${JWT};q=0.5, application/json;q=0, */*`, true],
  [`${JWT};q=0.001, application/json;q=0`, true],
  [`${JWT};q=0, application/json;q=0`, false],
  [`${JWT};q=0`, false],
  [`${JWT};q=high`, false],
  [`${JWT};q=-1`, false],
  [LONG, false],
])('INT-07 RFC 9110 §12.5.1: who accepts %j gets a JWT: %s', (accept, wants) => {
  expect(prefers(accept, JWT, 'application/json')).toBe(wants);
});
