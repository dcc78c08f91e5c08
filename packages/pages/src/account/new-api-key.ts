import { form } from '../form.ts';
import { html } from '../html.ts';
import { nameOf, visible } from '../name.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** Why a key was not made. */
export type ApiKeyError = 'name' | 'limit';

/** For how many days a key may be good that a person makes. */
export const KEY_DAYS = [30, 90, 365] as const;

/** What the page for a new key shows. */
export interface NewApiKeyModel extends AccountPart {
  readonly resource: { readonly id: string; readonly name: string };
  /** What the API knows; the person chooses of it. */
  readonly scope: readonly string[];
  readonly error?: ApiKeyError;
  /** What was typed, when it comes back. */
  readonly name?: string;
}

/** The page on which somebody makes a key for one API. */
export function newApiKeyPage(model: NewApiKeyModel, words: Words): string {
  const { home, hidden, resource, scope, error, name = '' } = model;
  const marks = error === 'name' ? html` aria-invalid="true" aria-describedby="error"` : '';
  const scopes = html`<fieldset><legend>${words('account.api_keys.allow')}</legend>${scope.map(
    (each, index) =>
      html`<div class="choice"><input id="allow${index}" type="checkbox" name="allow ${each}" value="1"><label for="allow${index}"><bdi>${visible(each)}</bdi></label></div>`,
  )}</fieldset>`;
  return accountPart(
    words('account.api_keys.new'),
    model,
    html`<p class="muted">${sentence(words, 'account.api_keys.new_lead', { resource: nameOf(resource.name, words) })}</p>
${error === undefined ? '' : html`<p role="alert" id="error">${words(`account.api_keys.error.${error}`)}</p>`}
${form(
  `${home}/api-keys/new`,
  { ...hidden, resource: resource.id },
  html`
<label for="name">${words('account.api_keys.name')}</label>
<input id="name" name="name" type="text" value="${name}" autocomplete="off" maxlength="200" required${marks}>
${scope.length === 0 ? '' : scopes}
<label for="days">${words('account.api_keys.days')}</label>
<select id="days" name="days">${KEY_DAYS.map(
    (days) =>
      html`<option value="${days}"${days === 90 ? html` selected` : ''}>${words('account.api_keys.days_count', { count: days })}</option>`,
  )}</select>
<div class="buttons"><button class="main" type="submit">${words('account.api_keys.create')}</button></div>`,
)}`,
    words,
  );
}
