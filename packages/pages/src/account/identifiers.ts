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
  /** Whether mail can be sent, by which an address is shown to be somebody's. */
  readonly hasMail: boolean;
  readonly identifiers: readonly IdentifierRow[];
  readonly error?: IdentifierError;
  /** What was typed, when it comes back. */
  readonly username?: string;
}

/** The page of the names under which somebody signs in. An account keeps one at least. */
export function identifiersPage(model: IdentifiersModel, words: Words): string {
  const { home, hidden, hasMail, identifiers, error, username = '' } = model;
  const action = `${home}/identifiers`;
  const canRemove = identifiers.length > 1;
  const marks = error === undefined || error === 'last' ? '' : html` aria-invalid="true" aria-describedby="error"`;
  return accountPart(
    words('account.identifiers.title'),
    model,
    html`<p class="muted">${words('account.identifiers.lead')}</p>
${error === undefined ? '' : html`<p role="alert" id="error">${words(`account.identifiers.error.${error}`)}</p>`}
${form(action, hidden, html`<ul class="rows">${identifiers.map((identifier) => rowOf(identifier, { canRemove, hasMail }, words))}</ul>`)}
${form(
  action,
  hidden,
  html`
<label for="username">${words(hasMail ? 'account.identifiers.add_any' : 'account.identifiers.add')}</label>
<input id="username" name="add" type="text" value="${username}" autocomplete="off" autocapitalize="none" spellcheck="false" required${marks}>
<div class="buttons"><button class="main" type="submit">${words(hasMail ? 'account.identifiers.submit_any' : 'account.identifiers.submit')}</button></div>`,
)}`,
    words,
  );
}

interface Can {
  readonly canRemove: boolean;
  readonly hasMail: boolean;
}

function rowOf({ value, display, kind, isVerified }: IdentifierRow, can: Can, words: Words): Html {
  const isOpen = kind === 'email' && !isVerified;
  const open = isOpen ? html` · ${words('account.identifiers.unverified')}` : '';
  const state = isVerified ? html` <span class="tag">${words('account.identifiers.verified')}</span>` : '';
  const button = (name: 'remove' | 'verify') =>
    html`<button type="submit" name="${name}" value="${value}" aria-label="${words(`account.identifiers.${name}`)}: ${visible(display)}">${words(`account.identifiers.${name}`)}</button>`;
  return html`<li><div><h2>${nameOf(display, words)}${state}</h2>
<p class="muted">${words(kind === 'email' ? 'account.identifiers.email' : 'account.identifiers.username')}${open}</p></div>${isOpen && can.hasMail ? button('verify') : ''}${can.canRemove ? button('remove') : ''}</li>`;
}
