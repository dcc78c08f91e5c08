import { expect, test } from 'vitest';
import { createRefusedAnswers } from './refused-answers.ts';

test('a no is kept for 10 seconds', () => {
  let time = 0;
  const refused = createRefusedAnswers(() => time);
  refused.set('a', 'token_inactive');
  const seen = [9_999, 10_000, 10_001].map((at) => {
    time = at;
    return refused.get('a');
  });
  expect(seen).toEqual(['token_inactive', undefined, undefined]);
});

test('as many as may be kept, and one more: the oldest goes', () => {
  const refused = createRefusedAnswers(() => 0, 2);
  for (const key of ['a', 'b', 'c']) refused.set(key, 'token_inactive');
  expect(['a', 'b', 'c'].map((key) => refused.get(key))).toEqual([undefined, 'token_inactive', 'token_inactive']);
});
