import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openDigestFile } from './digest-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-digests-'));
const path = join(folder, 'digests');
afterAll(() => rmSync(folder, { recursive: true }));

const write = (digests: readonly Uint8Array[]) => writeFileSync(path, Buffer.concat(digests));
const sorted = (digests: readonly Buffer[]) =>
  [...new Map(digests.map((digest) => [digest.toString('hex'), digest])).values()].sort(Buffer.compare);

/** The digest before or after one, as a number. */
function neighbour(digest: Buffer, step: 1n | -1n): Buffer {
  const value = (BigInt(`0x${digest.toString('hex')}`) + step + 2n ** 160n) % 2n ** 160n;
  return Buffer.from(value.toString(16).padStart(40, '0'), 'hex');
}

/** Digests at the ends of their range and close to each other too, where a search goes wrong first. */
const digest = fc.oneof(
  fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 0, max: 5 }).map((last) => Buffer.concat([Buffer.alloc(19), Buffer.from([last])])),
  fc.integer({ min: 250, max: 255 }).map((last) => Buffer.concat([Buffer.alloc(19, 255), Buffer.from([last])])),
);

test('PWD-06: every digest of a file is found, and those beside it are not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(digest, { minLength: 1, maxLength: 200 }), async (given) => {
      const digests = sorted(given);
      const names = new Set(digests.map((one) => one.toString('hex')));
      write(digests);
      const file = openDigestFile(path);
      expect(file.count).toBe(digests.length);
      for (const one of digests)
        for (const asked of [one, neighbour(one, 1n), neighbour(one, -1n)])
          expect(await file.has(asked)).toEqual({ ok: true, value: names.has(asked.toString('hex')) });
      file.close();
    }),
    { numRuns: 60 },
  );
});

test('PWD-06: look-ups at the same time do not get in each other’s way', async () => {
  const digests = sorted(Array.from({ length: 500 }, () => randomBytes(20)));
  write(digests);
  const file = openDigestFile(path);
  const asked = digests.flatMap((one) => [one, neighbour(one, 1n)]);
  const answers = await Promise.all(asked.map((one) => file.has(one)));
  expect(answers.filter((answer) => answer.ok && answer.value)).toHaveLength(500);
  file.close();
});

const hash = (text: string) => createHash('sha1').update(text).digest();

test.each([
  ['is not there', () => rmSync(path), `There is no file ${path}.`],
  ['is empty', () => write([]), `${path} is empty.`],
  ['has a byte too many', () => write([hash('a'), Buffer.from([1])]), expect.stringContaining('no multiple of 20')],
  ['is not sorted', () => write(sorted([hash('a'), hash('b')]).reverse()), expect.stringContaining('not sorted')],
  ['has a digest twice', () => write([hash('a'), hash('a')]), expect.stringContaining('not sorted')],
  [
    'is a text',
    () => writeFileSync(path, `${hash('a').toString('hex').toUpperCase()}:1234567890123456789`.repeat(20)),
    expect.stringContaining('not sorted'),
  ],
  [
    'is a folder',
    () => {
      rmSync(path);
      mkdirSync(path);
    },
    expect.stringContaining('no multiple of 20'),
  ],
])('a file that %s is refused at the start, with what to do', (_, make, problem) => {
  write([hash('x')]);
  make();
  let refused: unknown;
  try {
    openDigestFile(path).close();
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({
    name: 'FileUnusable',
    message: problem,
    mend: expect.stringMatching(/^Make it with/),
  });
  rmSync(path, { recursive: true, force: true });
});

test('PWD-06: a file that was cut while it was open is silent, not clear; one that took its place is not seen', async () => {
  const digests = sorted([hash('a'), hash('b'), hash('c')]);
  write(digests);
  const file = openDigestFile(path);
  const whole = readFileSync(path);
  truncateSync(path, 19);
  expect(await file.has(hash('a'))).toEqual({ ok: false, error: 'unreadable' });
  rmSync(path);
  writeFileSync(path, whole);
  expect(await file.has(hash('a'))).toEqual({ ok: false, error: 'unreadable' });
  file.close();
});
