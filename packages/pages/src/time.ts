import { type Html, html } from './html.ts';
import type { Words } from './words.ts';

/**
 * A moment, to the minute. The server does not know the time zone of whoever reads it, so it says which it means.
 *
 * @param at in milliseconds since 1970
 */
export function timeOf(at: number, words: Words): Html {
  const date = new Date(at);
  const text = date.toLocaleString(words.language, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  });
  return html`<time datetime="${date.toISOString()}">${text}</time>`;
}
