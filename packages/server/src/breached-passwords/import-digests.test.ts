import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importDigests } from './import-digests.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-import-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const convert = (chunks: readonly (string | Buffer)[], minCount = 1) =>
  importDigests(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), join(folder, 'out'), {
    minCount,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
const made = () => readFileSync(join(folder, 'out')).toString('hex');

const digests = Array.from({ length: 50 }, (_, index) => createHash('sha1').update(String(index)).digest('hex')).sort();
const line = (digest: string, count: number, end = '\r\n') => `${digest.toUpperCase()}:${count}${end}`;
const text = digests.map((digest, index) => line(digest, index + 1)).join('');

test('PWD-06: lines become digests, in whatever pieces they come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 }), async (sizes) => {
      const pieces: string[] = [];
      for (let [at, turn] = [0, 0]; at < text.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        pieces.push(text.slice(at, at + size));
        at += size;
      }
      expect(await convert(pieces)).toEqual({ ok: true, value: { lines: 50, kept: 50, bytes: text.length } });
      expect(made()).toBe(digests.join(''));
    }),
    { numRuns: 30 },
  );
});

test.each([
  ['a newline only', line(digests[0] ?? '', 7, '\n')],
  ['no end at the last line', line(digests[0] ?? '', 7, '')],
  ['small letters', `${digests[0]}:7\r\n`],
])('a source with %s', async (_, given) => {
  expect(await convert([given])).toMatchObject({ ok: true, value: { kept: 1 } });
  expect(made()).toBe(digests[0]);
});

test('what was seen less often is left out, and its order counts all the same', async () => {
  expect(await convert([text], 49)).toEqual({ ok: true, value: { lines: 50, kept: 2, bytes: text.length } });
  expect(made()).toBe(digests.slice(48).join(''));
  const [first = '', second = '', third = ''] = digests;
  const mixed = line(second, 9) + line(third, 1) + line(first, 9);
  expect(await convert([mixed], 5)).toEqual({ ok: false, error: { problem: 'unsorted', line: 3 } });
});

const [first = '', second = ''] = digests;
test.each([
  ['in the wrong order', line(second, 1) + line(first, 1), { problem: 'unsorted', line: 2 }],
  ['with one twice', line(first, 1) + line(first, 1), { problem: 'unsorted', line: 2 }],
  ['with a line too short', line(first, 1) + line(second.slice(1), 1), { problem: 'malformed', line: 2 }],
  ['with a digit that is none', line(`g${first.slice(1)}`, 1), { problem: 'malformed', line: 1 }],
  ['without a colon', `${first};1\n`, { problem: 'malformed', line: 1 }],
  ['without a count', `${first}:\n`, { problem: 'malformed', line: 1 }],
  ['with a count that is none', `${first}:1e9\n`, { problem: 'malformed', line: 1 }],
  ['with a count of sixteen digits', `${first}:${'1'.repeat(16)}\n`, { problem: 'malformed', line: 1 }],
  ['with an empty line', `${line(first, 1)}\n${line(second, 1)}`, { problem: 'malformed', line: 2 }],
  ['of one line without end', 'A'.repeat(100_000), { problem: 'malformed', line: 1 }],
  ['of nothing', '', { problem: 'empty' }],
])('a source %s is refused, and leaves nothing behind', async (_, given, error) => {
  expect(await convert([given])).toEqual({ ok: false, error });
  expect(readdirSync(folder)).toEqual([]);
});

test('a count of fifteen digits is one', async () => {
  expect(await convert([`${first}:${'1'.repeat(15)}\r\n`])).toMatchObject({ ok: true });
});

test('a refusal, a cancellation and a source that fails leave the file from before as it is', async () => {
  writeFileSync(join(folder, 'out'), 'before');
  await convert(['x\n']);
  const abort = new AbortController();
  const endless = new Readable({ read: () => undefined });
  endless.push(line(first, 1));
  const options = { minCount: 1, onProgress: () => undefined };
  const cancelled = importDigests(endless, join(folder, 'out'), { ...options, signal: abort.signal });
  setTimeout(() => abort.abort(), 20);
  expect(await cancelled).toEqual({ ok: false, error: { problem: 'cancelled' } });
  const failing = new Readable({ read: () => failing.destroy(new Error('EIO')) });
  const failed = importDigests(failing, join(folder, 'out'), { ...options, signal: new AbortController().signal });
  await expect(failed).rejects.toThrow('EIO');
  expect(readdirSync(folder)).toEqual(['out']);
  expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('before');
});
