import { type Fields, form } from './form.ts';
import { html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { nameOf } from './name.ts';
import { type MessageKey, sentence, type Words } from './words.ts';

/** Why a new administrator's account was not made. */
export type SetUpError = 'username' | 'taken' | 'too_short' | 'too_long' | 'characters' | 'blocklisted' | 'breached';

const TEXTS: Readonly<Record<SetUpError, MessageKey>> = {
  username: 'set_up.error.username',
  taken: 'set_up.error.taken',
  too_short: 'account.password.error.too_short',
  too_long: 'account.password.error.too_long',
  characters: 'account.password.error.characters',
  blocklisted: 'account.password.error.blocklisted',
  breached: 'account.password.error.breached',
};

/** What the page for a new administrator shows. */
export interface SetUpModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  /** The account that is signed in in this browser, which may be the one. */
  readonly accountLabel?: string;
  readonly username?: string;
  /** How long a password must be. */
  readonly codePointsMin: number;
  readonly error?: SetUpError;
}

/** The page that makes an administrator: of a new account, or of the one that is signed in. */
export function setUpPage(model: SetUpModel, words: Words): string {
  const { theme, action, hidden, accountLabel, username = '', codePointsMin: count, error } = model;
  const isUsername = error === 'username' || error === 'taken';
  const marks = (isWrong: boolean) => (isWrong ? html` aria-invalid="true" aria-describedby="error"` : '');
  return layout(
    words('set_up.title'),
    html`<h1>${words('set_up.title')}</h1>
<p>${words('set_up.lead')}</p>
${
  accountLabel === undefined
    ? ''
    : form(
        action,
        { ...hidden, account: 'signed-in' },
        html`<p>${sentence(words, 'set_up.signed_in', { account: nameOf(accountLabel, words) })}</p>
<div class="buttons"><button class="main" type="submit">${words('set_up.promote')}</button></div>`,
      )
}
${accountLabel === undefined ? '' : html`<h2>${words('set_up.other')}</h2>`}
${error === undefined ? '' : html`<p role="alert" id="error">${words(TEXTS[error], { count })}</p>`}
${form(
  action,
  hidden,
  html`
<label for="username">${words('signin.username')}</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${marks(isUsername)}>
<label for="password">${words('signin.password')}</label>
<input id="password" name="password" type="password" autocomplete="new-password" aria-describedby="rule" required${marks(error !== undefined && !isUsername)}>
<p class="muted" id="rule">${words('account.password.rule', { count })}</p>
<div class="buttons"><button class="main" type="submit">${words('set_up.submit')}</button></div>`,
)}`,
    { theme, words },
  );
}

/** The page after that. */
export const setUpDonePage = (
  { theme, accountLabel }: { readonly theme: Theme; readonly accountLabel: string },
  words: Words,
): string =>
  layout(
    words('set_up.done.title'),
    html`<h1>${words('set_up.done.title')}</h1>
<p>${sentence(words, 'set_up.done.lead', { account: nameOf(accountLabel, words) })}</p>
<p class="muted">${words('set_up.done.next')} <code>latchkey login</code></p>`,
    { theme, words },
  );
