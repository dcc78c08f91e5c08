import { expect, test } from 'vitest';
import { timeOf } from './time.ts';
import { createWords, LANGUAGES } from './words.ts';

test.each(LANGUAGES)('a moment is told to the minute in %s, and in which time zone it is', (language) => {
  const { html } = timeOf(Date.UTC(2026, 10, 5, 14, 7, 59), createWords(language));
  expect(html).toMatch(
    /^<time datetime="2026-11-05T14:07:59\.000Z">[^<]*2026[^<]*[\s,](?:14:07|02:07 PM|2:07 PM)[^<]*UTC<\/time>$/u,
  );
});
