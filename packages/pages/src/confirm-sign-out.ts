import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { sentence, type Words } from './words.ts';

/** What the page before signing out shows. */
export interface ConfirmSignOutModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  readonly accountLabel: string;
  readonly clientName?: string;
}

/** The page that asks before it signs out, so that no other site can do that by a mere link. */
export function confirmSignOutPage(
  { theme, action, hidden, accountLabel, clientName }: ConfirmSignOutModel,
  words: Words,
): string {
  return layout(
    words('confirm_sign_out.title'),
    html`<h1>${words('confirm_sign_out.title')}</h1>
${clientName === undefined ? '' : html`<p>${sentence(words, 'confirm_sign_out.client', { client: nameOf(clientName, words) })}</p>`}
<p>${sentence(words, 'confirm_sign_out.lead', { account: nameOf(accountLabel, words) })}</p>
${form(
  action,
  hidden,
  html`<div class="buttons"><button class="main" type="submit" name="decision" value="sign-out">${words('confirm_sign_out.submit')}</button><button type="submit" name="decision" value="stay">${words('confirm_sign_out.stay')}</button></div>`,
)}`,
    { theme, words },
  );
}
