import { type Fields, form } from './form.ts';
import { type Html, html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { sentence, type Words } from './words.ts';

/** Why a sign-in did not come about. `wrong` tells not which of the two was wrong. */
export type SigninError = 'wrong' | 'throttled' | 'overloaded' | 'expired';

/** What the sign-in page shows. */
export interface SigninModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  readonly username?: string;
  /** The account is settled and only its password is asked. */
  readonly isUsernameFixed?: boolean;
  readonly error?: SigninError;
  readonly clientName?: string;
  /** The person is signed in, and is asked for the password once more. */
  readonly again?: boolean;
  readonly canCancel?: boolean;
  /** Where else somebody can go from here, as far as it is offered. */
  readonly ways?: { readonly forgot?: string; readonly register?: string; readonly by_link?: string };
}

/** The page that asks for username and password. A password that was sent before never comes back in it. */
export function signInPage(model: SigninModel, words: Words): string {
  const { theme, action, hidden, username = '', isUsernameFixed = false, error, clientName, again = false } = model;
  const title = words(again ? 'signin.again.title' : 'signin.title');
  const marks = error === 'wrong' ? html` aria-invalid="true" aria-describedby="error"` : '';
  const passwordFirst = username !== '';
  return layout(
    title,
    html`<h1>${title}</h1>
${clientName === undefined ? '' : html`<p class="muted">${sentence(words, 'signin.lead', { client: nameOf(clientName, words) })}</p>`}
${again ? html`<p>${words('signin.again.lead')}</p>` : ''}
${error === undefined ? '' : html`<p role="alert" id="error">${words(`signin.error.${error}`)}</p>`}
${form(
  action,
  hidden,
  html`
<label for="username">${words('signin.username')}</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${isUsernameFixed ? html` readonly` : marks}${passwordFirst ? '' : html` autofocus`}>
<label for="password">${words('signin.password')}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${marks}${passwordFirst ? html` autofocus` : ''}>
<div class="buttons"><button class="main" type="submit">${again ? words('continue') : words('signin.submit')}</button>${
    model.canCancel === true
      ? html`<button type="submit" name="cancel" value="1" formnovalidate>${words('cancel')}</button>`
      : ''
  }</div>`,
)}
${waysOf(model, words)}`,
    { theme, words },
  );
}

function waysOf({ ways = {} }: SigninModel, words: Words): Html {
  const links = (['forgot', 'by_link', 'register'] as const).flatMap((way) => {
    const to = ways[way];
    return to === undefined ? [] : [html`<a href="${to}">${words(`signin.${way}`)}</a>`];
  });
  return links.length === 0 ? html`` : html`<p class="links">${links}</p>`;
}
