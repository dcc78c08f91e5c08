import { form } from '../form.ts';
import { type Html, html } from '../html.ts';
import { codeOf, nameOf, visible } from '../name.ts';
import { list, scopeList } from '../scope.ts';
import { timeOf } from '../time.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** What somebody allowed an application. */
export interface ApplicationRow {
  readonly id: string;
  readonly name: string;
  /** Where its answers go. Anybody may choose a name, but not a host. */
  readonly hosts: readonly string[];
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  /** In milliseconds since 1970. */
  readonly since: number;
}

/** What the page of connected applications shows. */
export interface ApplicationsModel extends AccountPart {
  readonly applications: readonly ApplicationRow[];
}

/** The page that says what somebody allowed to whom, and on which they take it back. @spec ASVS 10.7.3 (AUT-18) */
export function applicationsPage(model: ApplicationsModel, words: Words): string {
  const { home, hidden, applications } = model;
  const rows = html`<ul class="rows">${applications.map((application) => rowOf(application, words))}</ul>`;
  return accountPart(
    words('account.applications.title'),
    model,
    applications.length === 0
      ? html`<p>${words('account.applications.none')}</p>`
      : html`<p class="muted">${words('account.applications.lead')}</p>
${form(`${home}/applications`, hidden, rows)}`,
    words,
  );
}

function rowOf({ id, name, hosts, scopes, resources, since }: ApplicationRow, words: Words): Html {
  const withdraw = words('account.applications.withdraw');
  return html`<li><div><h2>${nameOf(name, words)}</h2>
${hosts.map((host) => html`<p>${codeOf(host)}</p>`)}
${scopes.length === 0 ? '' : scopeList(scopes, words)}
${resources.length === 0 ? '' : html`<p class="muted">${words('consent.resources')}</p>${list(resources.map(codeOf))}`}
<p class="muted">${sentence(words, 'account.since', { time: timeOf(since, words) })}</p></div><button type="submit" name="client" value="${id}" aria-label="${withdraw}: ${visible(name) || words('unnamed')}">${withdraw}</button></li>`;
}
