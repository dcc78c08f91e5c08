import { form } from '../form.ts';
import { type Html, html } from '../html.ts';
import { nameOf, visible } from '../name.ts';
import type { Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** A name under which somebody signs in. */
export interface IdentifierRow {
  /** What the form sends. */
  readonly value: string;
  readonly display: string;
  readonly kind: 'username' | 'email';
  readonly isVerified: boolean;
}

/** Why a name was not added or removed. */
export type IdentifierError = 'invalid' | 'taken' | 'limit' | 'last' | 'throttled';

/** What the page of names shows. */
export interface IdentifiersModel extends AccountPart {
  readonly identifiers: readonly IdentifierRow[];
  readonly error?: IdentifierError;
  /** What was typed, when it comes back. */
  readonly username?: string;
}

/** The page of the names under which somebody signs in. An account keeps one at least. */
export function identifiersPage(model: IdentifiersModel, words: Words): string {
  const { home, hidden, identifiers, error, username = '' } = model;
  const action = `${home}/identifiers`;
  const canRemove = identifiers.length > 1;
  const marks = error === undefined || error === 'last' ? '' : html` aria-invalid="true" aria-describedby="error"`;
  return accountPart(
    words('account.identifiers.title'),
    model,
    html`<p class="muted">${words('account.identifiers.lead')}</p>
${error === undefined ? '' : html`<p role="alert" id="error">${words(`account.identifiers.error.${error}`)}</p>`}
${form(action, hidden, html`<ul class="rows">${identifiers.map((identifier) => rowOf(identifier, canRemove, words))}</ul>`)}
${form(
  action,
  hidden,
  html`
<label for="username">${words('account.identifiers.add')}</label>
<input id="username" name="add" type="text" value="${username}" autocomplete="off" autocapitalize="none" spellcheck="false" required${marks}>
<div class="buttons"><button class="main" type="submit">${words('account.identifiers.submit')}</button></div>`,
)}`,
    words,
  );
}

function rowOf({ value, display, kind, isVerified }: IdentifierRow, canRemove: boolean, words: Words): Html {
  const remove = words('account.identifiers.remove');
  const state = isVerified ? html` <span class="tag">${words('account.identifiers.verified')}</span>` : '';
  return html`<li><div><h2>${nameOf(display, words)}${state}</h2>
<p class="muted">${words(kind === 'email' ? 'account.identifiers.email' : 'account.identifiers.username')}</p></div>${
    canRemove
      ? html`<button type="submit" name="remove" value="${value}" aria-label="${remove}: ${visible(display)}">${remove}</button>`
      : ''
  }</li>`;
}
