import { form } from '../form.ts';
import { type Html, html } from '../html.ts';
import { layout } from '../layout.ts';
import { nameOf } from '../name.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, noticeOf } from './part.ts';

/** What the first page of an account shows. */
export interface OverviewModel extends AccountPart {
  readonly accountLabel: string;
  readonly sessions: number;
  readonly applications: number;
  /** Whether there are keys, or people may make them. */
  readonly hasApiKeys: boolean;
}

/** The first page of an account: who one is, where to look after it, and the way out. */
export function accountPage(model: OverviewModel, words: Words): string {
  const { theme, home, hidden, accountLabel, sessions, applications, hasApiKeys } = model;
  const part = (path: string, title: string, text: string): Html =>
    html`<li><div><h2><a href="${home}/${path}">${title}</a></h2><p class="muted">${text}</p></div></li>`;
  return layout(
    words('account.title'),
    html`<h1>${words('account.title')}</h1>
<p>${sentence(words, 'account.lead', { account: nameOf(accountLabel, words) })}</p>
${noticeOf(model, words)}<ul class="rows">
${part('profile', words('account.profile.title'), words('account.profile.about'))}
${part('sessions', words('account.sessions.title'), words('account.sessions.count', { count: sessions }))}
${part('applications', words('account.applications.title'), words('account.applications.count', { count: applications }))}
${part('password', words('account.password.title'), words('account.password.about'))}
${part('identifiers', words('account.identifiers.title'), words('account.identifiers.about'))}
${hasApiKeys ? part('api-keys', words('account.api_keys.title'), words('account.api_keys.about')) : ''}</ul>
${form(`${home}/sign-out`, hidden, html`<div class="buttons"><button type="submit">${words('account.sign_out')}</button></div>`)}`,
    { theme, words, isWide: true },
  );
}
