import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const text = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../examples/spring-boot/${name}`, import.meta.url)), 'utf8');

test('the settings of Spring Boot are names below names, each by two spaces, and are those that Spring Boot has', () => {
  const path: string[] = [];
  const settings: Record<string, string> = {};
  for (const line of text('application.yml')
    .split('\n')
    .filter((one) => !/^\s*(?:#|$)/.test(one))) {
    const [, indent = '', name = '', value] = /^((?: {2})*)([a-z][a-z0-9-]*):(?: (\S+))?$/.exec(line) ?? [];
    expect([line, name !== '' && indent.length / 2 <= path.length]).toEqual([line, true]);
    path.splice(indent.length / 2, path.length, name);
    if (value !== undefined) settings[path.join('.')] = value;
  }
  expect(settings).toEqual({
    'spring.security.oauth2.resourceserver.jwt.issuer-uri': 'https://id.example.com',
    'spring.security.oauth2.resourceserver.jwt.jwk-set-uri': 'https://id.example.com/.well-known/jwks.json',
    'spring.security.oauth2.resourceserver.jwt.jws-algorithms': 'ES256',
    'spring.security.oauth2.resourceserver.jwt.audiences': 'https://api.example.com',
  });
});

/** Java without its comments and texts, in which brackets mean nothing. */
const code = text('SecurityConfig.java').replaceAll(/"(?:[^"\\]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/.*/g, '""');

test('each bracket of the Java file is closed, in turn', () => {
  const open: string[] = [];
  const pairs: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
  for (const bracket of code.match(/[()[\]{}]/g) ?? []) {
    const opening = pairs[bracket];
    if (opening === undefined) open.push(bracket);
    else expect(open.pop()).toBe(opening);
  }
  expect(open).toEqual([]);
});

test('the class is that of the file, and uses what it imports and imports what it uses', () => {
  expect(code).toMatch(/^package com\.example\.api;$/m);
  expect(code).toMatch(/^public class SecurityConfig \{$/m);
  const imported = [...code.matchAll(/^import [a-z0-9.]+\.([A-Z]\w+);$/gm)].map(([, name]) => name ?? '');
  const body = code.slice(code.indexOf('@Configuration'));
  const used = new Set(body.match(/(?<![.\w])[A-Z]\w*[a-z]\w*/g));
  for (const own of ['SecurityConfig', 'Exception', 'String', 'Object']) used.delete(own);
  expect([...used].toSorted()).toEqual(imported.toSorted());
});

test.each([
  ['tokens of the right type only', 'new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt"))'],
  ['of one algorithm', '.jwsAlgorithm(SignatureAlgorithm.ES256)'],
  ['of the issuer', 'JwtValidators.createDefaultWithIssuer(issuer)'],
  ['for the audience', 'aud.contains(audience)'],
  ['and none that is bound to a key', 'new JwtClaimValidator<Object>("cnf", cnf -> cnf == null)'],
])('it takes %s', (_, part) => {
  expect(text('SecurityConfig.java')).toContain(part);
});
