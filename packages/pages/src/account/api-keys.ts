import { form } from '../form.ts';
import { type Html, html } from '../html.ts';
import { nameOf, visible } from '../name.ts';
import { timeOf } from '../time.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** A key of one's own. Times are in milliseconds since 1970. */
export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly isTest: boolean;
  /** What people call the API that it is for. */
  readonly resource: string;
  readonly scope: readonly string[];
  readonly since: number;
  readonly expiresAt: number;
  /** Until when the secret before the last rotation works; undefined when there is none. */
  readonly previousUntil: number | undefined;
}

/** An API for which people may make keys themselves. */
export interface ApiKeyOffer {
  readonly id: string;
  readonly name: string;
}

/** What the page of keys shows. */
export interface ApiKeysModel extends AccountPart {
  readonly keys: readonly ApiKeyRow[];
  readonly offers: readonly ApiKeyOffer[];
}

/** The page of somebody's own API keys: what they may do, a new secret for one, and its end. */
export function apiKeysPage(model: ApiKeysModel, words: Words): string {
  const { home, hidden, keys, offers } = model;
  const action = `${home}/api-keys`;
  return accountPart(
    words('account.api_keys.title'),
    model,
    html`<p class="muted">${words('account.api_keys.lead')}</p>
${
  keys.length === 0
    ? html`<p>${words('account.api_keys.none')}</p>`
    : form(action, hidden, html`<ul class="rows">${keys.map((key) => rowOf(key, words))}</ul>`)
}
<div class="buttons">${offers.map(
      ({ id, name }) =>
        html`<a class="button" href="${action}/new?resource=${id}">${sentence(words, 'account.api_keys.new_for', { resource: nameOf(name, words) })}</a>`,
    )}</div>`,
    words,
  );
}

function rowOf(key: ApiKeyRow, words: Words): Html {
  const { id, name, isTest, resource, scope, since, expiresAt, previousUntil } = key;
  const facts = [
    sentence(words, 'account.api_keys.for', { resource: nameOf(resource, words) }),
    ...(scope.length === 0
      ? []
      : [sentence(words, 'account.api_keys.scope', { scope: html`${visible(scope.join(', '))}` })]),
    sentence(words, 'account.since', { time: timeOf(since, words) }),
    sentence(words, 'account.api_keys.expires', { time: timeOf(expiresAt, words) }),
    ...(previousUntil === undefined
      ? []
      : [sentence(words, 'account.api_keys.overlap', { time: timeOf(previousUntil, words) })]),
  ];
  const button = (does: 'rotate' | 'end') =>
    html`<button type="submit" name="${does}" value="${id}" aria-label="${words(`account.api_keys.${does}`)}: ${visible(name)}">${words(`account.api_keys.${does}`)}</button>`;
  return html`<li><div><h2>${nameOf(name, words)}${isTest ? html` <span class="tag">${words('account.api_keys.test')}</span>` : ''}</h2>
${facts.map((fact) => html`<p class="muted">${fact}</p>`)}</div>${button('rotate')}${button('end')}</li>`;
}
