import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { sentence, type Words } from './words.ts';

/** What the page of accounts shows. */
export interface ChooseAccountModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  /** The accounts that are signed in on this device: what the form sends, and what is read. */
  readonly accounts: readonly { readonly value: string; readonly label: string }[];
  readonly clientName?: string;
}

/** The page that asks with which account to go on. */
export function chooseAccountPage(
  { theme, action, hidden, accounts, clientName }: ChooseAccountModel,
  words: Words,
): string {
  const buttons = accounts.map(
    ({ value, label }) =>
      html`<button class="account" type="submit" name="session" value="${value}">${nameOf(label, words)}</button>`,
  );
  return layout(
    words('choose.title'),
    html`<h1>${words('choose.title')}</h1>
${clientName === undefined ? '' : html`<p class="muted">${sentence(words, 'choose.lead', { client: nameOf(clientName, words) })}</p>`}
${form(action, hidden, html`<div class="buttons">${buttons}<button type="submit" name="other" value="1">${words('choose.other')}</button></div>`)}`,
    { theme, words },
  );
}
