import { type Fields, form } from './form.ts';
import { type Html, html } from './html.ts';
import { layout, type Theme } from './layout.ts';
import { codeOf, nameOf } from './name.ts';
import { list, scopeList } from './scope.ts';
import { sentence, type Words } from './words.ts';

/** How long a consent lets the client act: while the session lasts, or for days without one. */
export type ConsentLifetime = { readonly kind: 'session' } | { readonly kind: 'offline'; readonly days: number };

/** What the consent page shows. */
export interface ConsentModel {
  readonly theme: Theme;
  readonly action: string;
  readonly hidden: Fields;
  readonly accountLabel: string;
  readonly clientName: string;
  /** Where the answer goes. Anybody may choose a name, but not a host. */
  readonly clientHost?: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly lifetime: ConsentLifetime;
  /** The person allowed the same before. */
  readonly isReturning?: boolean;
}

/** The page that asks whether a client may act for a person: who, to where, what, for which resources, how long. */
export function consentPage(model: ConsentModel, words: Words): string {
  const { theme, action, hidden, accountLabel, clientName, clientHost, scopes, resources, lifetime } = model;
  const names = { client: nameOf(clientName, words), account: nameOf(accountLabel, words) };
  const rows = [
    row(words('consent.host'), clientHost === undefined ? undefined : codeOf(clientHost)),
    row(words('consent.scopes'), scopes.length === 0 ? undefined : scopeList(scopes, words)),
    row(words('consent.resources'), resources.length === 0 ? undefined : list(resources.map(codeOf))),
    row(words('consent.lifetime'), html`${lifetimeText(lifetime, words)}`),
  ];
  return layout(
    words('consent.title'),
    html`<h1>${words('consent.title')}</h1>
<p>${sentence(words, 'consent.lead', names)}</p>
${model.isReturning === true ? html`<p>${words('consent.returning')}</p>` : ''}
<dl>${rows}</dl>
<p class="muted">${words('consent.caution')} ${words('consent.withdraw')}</p>
${form(
  action,
  hidden,
  html`<div class="buttons"><button class="main" type="submit" name="decision" value="allow">${words('consent.allow')}</button><button type="submit" name="decision" value="deny">${words('consent.deny')}</button></div>`,
)}`,
    { theme, words },
  );
}

const row = (term: string, content: Html | undefined): Html =>
  content === undefined ? html`` : html`<dt>${term}</dt><dd>${content}</dd>`;

const lifetimeText = (lifetime: ConsentLifetime, words: Words): string =>
  lifetime.kind === 'session'
    ? words('consent.lifetime.session')
    : words('consent.lifetime.offline', { days: lifetime.days });
