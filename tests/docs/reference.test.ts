import { expect, test } from 'vitest';
import { stalePages } from '../../tools/generate-docs.ts';

test('docs/reference says what the code says; npm run docs writes it anew', async () => {
  expect(await stalePages()).toEqual([]);
});
