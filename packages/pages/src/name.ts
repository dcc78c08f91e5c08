import { type Html, html } from './html.ts';
import type { Words } from './words.ts';

// Joiners stay: Persian and emoji need them, and they turn nothing round.
const INVISIBLE = /[[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]--[\u200c\u200d]]/gv;

/**
 * Takes out of a text what is not seen but changes what is seen: controls, and characters that turn the direction of
 * writing. With them `exe.bank` could read as `knab.exe`.
 */
export const visible = (text: string): string => text.replace(/\s+/g, ' ').replace(INVISIBLE, '').trim();

/** Whether a text has any of these. */
export const hasInvisible = (text: string): boolean => text.search(INVISIBLE) >= 0;

/** A name that somebody else chose: it stands apart from the sentence round it, whatever its direction of writing. */
export const nameOf = (text: string, words: Words): Html => html`<bdi>${visible(text) || words('unnamed')}</bdi>`;

/** A technical name, such as a host or a scope, in the same way. */
export const codeOf = (text: string): Html => html`<code><bdi>${visible(text)}</bdi></code>`;
