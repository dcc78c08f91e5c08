import { html } from '../html.ts';
import { nameOf, visible } from '../name.ts';
import { timeOf } from '../time.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** What the page with a new secret shows. */
export interface ApiKeyMadeModel extends AccountPart {
  readonly name: string;
  /** The key itself. It stands on this page and nowhere else. */
  readonly secret: string;
  /** Until when the secret before it works, after a rotation. Milliseconds since 1970. */
  readonly previousUntil: number | undefined;
}

/** The page that shows a key, once. */
export function apiKeyMadePage(model: ApiKeyMadeModel, words: Words): string {
  const { home, name, secret, previousUntil } = model;
  return accountPart(
    words('account.api_keys.made'),
    model,
    html`<p>${sentence(words, 'account.api_keys.made_lead', { name: nameOf(name, words) })}</p>
<p><code class="secret">${visible(secret)}</code></p>
<p class="muted">${words('account.api_keys.made_note')}</p>
${previousUntil === undefined ? '' : html`<p class="muted">${sentence(words, 'account.api_keys.overlap', { time: timeOf(previousUntil, words) })}</p>`}
<div class="buttons"><a class="button main" href="${home}/api-keys">${words('account.api_keys.back')}</a></div>`,
    words,
  );
}
