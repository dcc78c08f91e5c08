import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { sentence, type Words } from './words.ts';

/** What the page shows that a link leads to which asks for nothing but a yes. */
export interface ConfirmLinkModel {
  readonly theme: Theme;
  readonly kind: 'sign_in' | 'verify_email';
  readonly action: string;
  readonly hidden: Fields;
  /** The address that the link was sent to. */
  readonly address: string;
}

/** The page between a link and what it does: programs that look at mail open links too, and must do nothing by it. */
export const confirmLinkPage = ({ theme, kind, action, hidden, address }: ConfirmLinkModel, words: Words): string =>
  layout(
    words(`link.${kind}.title`),
    html`<h1>${words(`link.${kind}.title`)}</h1>
<p>${sentence(words, `link.${kind}.lead`, { address: nameOf(address, words) })}</p>
${form(
  action,
  hidden,
  html`<div class="buttons"><button class="main" type="submit">${words(`link.${kind}.submit`)}</button></div>`,
)}`,
    { theme, words },
  );
