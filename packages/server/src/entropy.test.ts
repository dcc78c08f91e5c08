import { expect, test } from 'vitest';
import { createEntropy } from './entropy.ts';

test('no two draws are alike, over the edges of the pool', () => {
  const entropy = createEntropy();
  const drawn = Array.from({ length: 2_000 }, () => Buffer.from(entropy(10)).toString('hex'));
  expect(new Set(drawn).size).toBe(2_000);
});

test.each([0, 1, 16, 255, 256, 257, 5_000])('a draw of %i bytes has as many, each its own copy', (bytes) => {
  const entropy = createEntropy();
  const first = entropy(bytes);
  const kept = Uint8Array.from(first);
  const second = entropy(bytes);
  second.fill(7);
  expect([first.length, first]).toEqual([bytes, kept]);
});

test('every byte value comes up, and none in excess', () => {
  const entropy = createEntropy();
  const counts = Array.from({ length: 256 }, () => 0);
  for (let draw = 0; draw < 16_000; draw++) for (const byte of entropy(16)) counts[byte] = (counts[byte] ?? 0) + 1;
  // 1,000 of each are expected; 300 off is nine standard deviations
  expect(counts.filter((count) => count < 700 || count > 1_300)).toEqual([]);
});
