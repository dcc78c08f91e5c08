import { type Html, html } from './html.ts';
import { codeOf } from './name.ts';
import type { Words } from './words.ts';

/** The scopes that everybody means the same by. @spec OpenID Connect Core 1.0 §5.4, §11 */
const KNOWN = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const;

const scopeText = (name: string, words: Words): Html => {
  const known = KNOWN.find((one) => one === name);
  return known === undefined ? codeOf(name) : html`${words(`scope.${known}`)}`;
};

/** What scopes allow, as a list to read. */
export const scopeList = (names: readonly string[], words: Words): Html =>
  list(names.map((name) => scopeText(name, words)));

export const list = (items: readonly Html[]): Html => html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
