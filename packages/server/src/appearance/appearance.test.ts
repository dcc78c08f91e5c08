import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIMITS } from '@latchkey/protocol/limits';
import { afterAll, expect, test } from 'vitest';
import { readAppearance } from './appearance.ts';
import { readLogo } from './logo.ts';
import { readTexts } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-appearance-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const refusal = (read: () => unknown): unknown => {
  try {
    read();
  } catch (error) {
    return error;
  }
  return undefined;
};

const PNG = Buffer.from('\x89PNG\r\n\x1a\n rest', 'latin1');
const SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>';

test.each([
  ['a PNG', PNG, 'image/png'],
  ['a plain SVG', SVG, 'image/svg+xml'],
  [
    'an SVG as Illustrator writes it',
    `\uFEFF<?xml version="1.0"?>\n<!-- A > B -->\n<!DOCTYPE svg PUBLIC "a" "b" [\n<!ENTITY x "y">\n]>\n${SVG}`,
    'image/svg+xml',
  ],
])('%s is known by what is in it, whatever its name', (_, content, contentType) => {
  expect(readLogo(write('"><script>.txt'.replaceAll('/', ''), content))).toEqual({
    bytes: new Uint8Array(Buffer.from(content)),
    contentType,
    version: expect.stringMatching(/^[0-9a-f]{12}$/),
  });
});

test.each([
  ['a page', '<html><svg></svg></html>'],
  ['a JPEG', Buffer.from([0xff, 0xd8, 0xff])],
  ['half of the signature', PNG.subarray(0, 7)],
  ['nothing', ''],
  ['another element', '<svgx/>'],
])('%s is no logo', (_, content) => {
  expect(refusal(() => readLogo(write('logo', content)))).toMatchObject({
    name: 'FileUnusable',
    message: expect.stringContaining('neither SVG nor PNG'),
  });
});

test.each([
  [LIMITS.pagesLogoBytesMax - 1, true],
  [LIMITS.pagesLogoBytesMax, true],
  [LIMITS.pagesLogoBytesMax + 1, false],
])('pagesLogoBytesMax: a logo of %d bytes is taken: %s', (bytes, isTaken) => {
  const path = write('large', Buffer.concat([PNG, Buffer.alloc(bytes - PNG.length)]));
  expect(refusal(() => readLogo(path))).toEqual(
    isTaken ? undefined : expect.objectContaining({ message: `${path} is larger than 256 KiB.` }),
  );
});

test.each([
  [LIMITS.pagesTextsBytesMax - 1, true],
  [LIMITS.pagesTextsBytesMax, true],
  [LIMITS.pagesTextsBytesMax + 1, false],
])('pagesTextsBytesMax: a file of %d bytes is taken: %s', (bytes, isTaken) => {
  expect(readTexts(write('texts', '{}'.padEnd(bytes))).ok).toBe(isTaken);
});

test('a logo or texts that cannot be read are told, with what to do', () => {
  mkdirSync(join(folder, 'folder'));
  expect(refusal(() => readLogo(join(folder, 'none')))).toMatchObject({
    message: `There is no file ${join(folder, 'none')}.`,
    mend: expect.stringMatching(/^Name a file of at most 256 KiB/),
  });
  expect(refusal(() => readLogo(join(folder, 'folder')))).toMatchObject({
    message: `${join(folder, 'folder')} is no file.`,
  });
  expect(readTexts(join(folder, 'none'))).toEqual({ ok: false, error: [`There is no file ${join(folder, 'none')}.`] });
  expect(readTexts(write('texts', '{"en": '))).toEqual({ ok: false, error: [`${join(folder, 'texts')} is not JSON.`] });
});

const dressed = (more: object) =>
  readAppearance({
    issuer: 'https://id.example',
    pagesName: 'Acme',
    pagesAccent: undefined,
    pagesLogo: undefined,
    pagesTexts: undefined,
    ...more,
  });

test('the address of the logo lies under the path of the issuer, and changes with the image', () => {
  const pagesLogo = write('logo', SVG);
  const first = dressed({ pagesLogo }).theme.logo;
  expect(first).toMatch(/^\/pages\/logo\?v=[0-9a-f]{12}$/);
  expect(dressed({ pagesLogo, issuer: 'https://id.example/auth' }).theme.logo).toBe(`/auth${first}`);
  write('logo', PNG);
  expect(dressed({ pagesLogo }).theme.logo).not.toBe(first);
  expect(dressed({}).theme).toEqual({ name: 'Acme' });
});

test('texts with a mistake end the start', () => {
  const pagesTexts = write('texts', '{"en": {"signin.titel": "x"}}');
  expect(refusal(() => dressed({ pagesTexts }))).toMatchObject({
    name: 'FileUnusable',
    message: 'en, "signin.titel": There is no such text.',
  });
});
