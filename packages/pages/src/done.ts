import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import type { Words } from './words.ts';

/** What the page shows after a link was used. */
export interface DoneModel {
  readonly theme: Theme;
  readonly kind: 'reset_password' | 'register' | 'verify_email';
}

/** The page that says that it is done, where no sign-in goes on. */
export const donePage = ({ theme, kind }: DoneModel, words: Words): string =>
  layout(
    words(`done.${kind}.title`),
    html`<h1>${words(`done.${kind}.title`)}</h1>
<p>${words(`done.${kind}.lead`)}</p>`,
    { theme, words },
  );
