import { randomBytes } from 'node:crypto';
import { TEST_HASH_COST } from '@latchkey/testkit/test-server';
import { expect, test } from 'vitest';
import { createArgon2Hasher } from './argon2-hasher.ts';
import { type Pepper, parsePeppers, withPepper } from './pepper.ts';

const inner = createArgon2Hasher({ cost: TEST_HASH_COST, concurrency: 1, queueMax: 9, onQueue: () => undefined });
const [first, second]: readonly [Pepper, Pepper] = [
  { id: 'p1', key: randomBytes(32) },
  { id: 'p2', key: randomBytes(32) },
];
const hashed = async (peppers: readonly Pepper[]) => {
  const phc = await withPepper(inner, peppers).hash('correct horse');
  if (!phc.ok) throw new Error(phc.error);
  return phc.value;
};
const fits = async (peppers: readonly Pepper[], phc: string | undefined, password = 'correct horse') => {
  const verified = await withPepper(inner, peppers).verify(password, phc);
  return verified.ok && verified.value;
};

test('PWD-08: a hash under a pepper is of no use without it, nor under another of its name', async () => {
  const phc = await hashed([first]);
  expect(phc).toMatch(/^\$pepper\$p1\$argon2id\$/);
  expect([await fits([first], phc), await fits([first], phc, 'wrong')]).toEqual([true, false]);
  expect(await fits([{ ...first, key: second.key }], phc)).toBe(false);
  await expect(inner.verify('correct horse', phc)).rejects.toThrow();
  await expect(async () => withPepper(inner, [second]).verify('correct horse', phc)).rejects.toThrow('pepper');
});

test('PWD-08: after a rotation old hashes still verify, and are made anew', async () => {
  const [plain, old, now] = [await hashed([]), await hashed([first]), await hashed([second, first])];
  const rotated = withPepper(inner, [second, first]);
  for (const phc of [plain, old, now]) expect(await fits([second, first], phc)).toBe(true);
  expect([plain, old, now].map((phc) => rotated.isOutdated(phc))).toEqual([true, true, false]);
  const dearer = createArgon2Hasher({
    cost: { ...TEST_HASH_COST, timeCost: 2 },
    concurrency: 1,
    queueMax: 9,
    onQueue: () => undefined,
  });
  expect(withPepper(dearer, [second]).isOutdated(now)).toBe(true);
});

test('PWD-11: where there is nothing to compare with, the answer is no', async () => {
  expect(await fits([first], undefined)).toBe(false);
});

test('a full queue is told with a pepper too', async () => {
  const full = createArgon2Hasher({ cost: TEST_HASH_COST, concurrency: 0, queueMax: 0, onQueue: () => undefined });
  expect(await withPepper(full, [first]).hash('x')).toEqual({ ok: false, error: 'overloaded' });
});

const line = (id: string, bytes = 32) => `${id} ${randomBytes(bytes).toString('base64')}`;
test.each([
  ['one', line('p1'), 1],
  ['two, and empty lines', `\n${line('p1')}\n\n${line('p2')}\n`, 2],
  ['none', '\n', undefined],
  ['a key that is too short', line('p1', 31), undefined],
  ['a key that is too long', line('p1', 33), undefined],
  ['no id', randomBytes(32).toString('base64'), undefined],
  ['an id that would break the hash', line('p$1'), undefined],
  ['two of one id', `${line('p1')}\n${line('p1')}`, undefined],
])('a pepper file with %s', (_, text, count) => {
  if (count === undefined) expect(() => parsePeppers(text)).toThrow(/pepper file/);
  else expect(parsePeppers(text)).toHaveLength(count);
});
