import { deviceOf } from '../device.ts';
import { form } from '../form.ts';
import { type Html, html } from '../html.ts';
import { codeOf, nameOf, visible } from '../name.ts';
import { timeOf } from '../time.ts';
import { sentence, type Words } from '../words.ts';
import { type AccountPart, accountPart } from './part.ts';

/** A session, as its owner may recognise it. Times are in milliseconds since 1970. */
export interface SessionRow {
  readonly id: string;
  readonly isCurrent: boolean;
  readonly userAgent: string | undefined;
  readonly address: string | undefined;
  readonly since: number;
  readonly lastSeen: number;
  /** The names of the applications that it signed in to, and that can still use it. */
  readonly applications: readonly string[];
}

/** What the page of sessions shows. */
export interface SessionsModel extends AccountPart {
  /** In the order in which they are shown. */
  readonly sessions: readonly SessionRow[];
  /** Whether the person proved lately enough who they are to end them. */
  readonly canEnd: boolean;
}

/** The page that says where somebody is signed in, and on which they end it. @spec ASVS 7.5.2 (SES-06) */
export function sessionsPage(model: SessionsModel, words: Words): string {
  const { home, hidden, sessions, canEnd } = model;
  const action = `${home}/sessions`;
  const rows = html`<ul class="rows">${sessions.map((session) => rowOf(session, canEnd, words))}</ul>`;
  const all = html`<div class="buttons"><button type="submit" name="end" value="others">${words('account.sessions.end_others')}</button><button type="submit" name="end" value="all">${words('account.sessions.end_all')}</button></div>`;
  const asked = html`<p>${words('account.sessions.confirm')}</p>
<div class="buttons"><a class="button main" href="${action}?confirm=1">${words('account.confirm')}</a></div>`;
  return accountPart(
    words('account.sessions.title'),
    model,
    html`<p class="muted">${words('account.sessions.lead')}</p>
${canEnd ? form(action, hidden, html`${rows}<p class="muted">${words('account.sessions.note')}</p>${all}`) : html`${rows}${asked}`}`,
    words,
  );
}

function rowOf(session: SessionRow, canEnd: boolean, words: Words): Html {
  const { id, isCurrent, userAgent, address, since, lastSeen, applications } = session;
  const device = deviceText(userAgent, words);
  const facts = [
    ...(address === undefined ? [] : [sentence(words, 'account.sessions.from', { address: codeOf(address) })]),
    sentence(words, 'account.since', { time: timeOf(since, words) }),
    sentence(words, 'account.sessions.seen', { time: timeOf(lastSeen, words) }),
    ...(applications.length === 0
      ? []
      : [sentence(words, 'account.sessions.applications', { names: namesOf(applications, words) })]),
  ];
  const end = words('account.sessions.end');
  return html`<li><div><h2><bdi>${device}</bdi>${isCurrent ? html` <span class="tag">${words('account.sessions.current')}</span>` : ''}</h2>
${facts.map((fact) => html`<p class="muted">${fact}</p>`)}</div>${
    canEnd && !isCurrent
      ? html`<button type="submit" name="end" value="${id}" aria-label="${end}: ${device}">${end}</button>`
      : ''
  }</li>`;
}

const namesOf = (names: readonly string[], words: Words): Html =>
  html`${names.map((name, index) => html`${index === 0 ? '' : ', '}${nameOf(name, words)}`)}`;

/** What is known of the device; where nothing is, what it said of itself. */
function deviceText(userAgent: string | undefined, words: Words): string {
  const said = visible(userAgent ?? '');
  const { browser, system } = deviceOf(said);
  if (browser !== undefined && system !== undefined) return words('account.sessions.device', { browser, system });
  return browser ?? system ?? (said === '' ? words('account.sessions.device_unknown') : said);
}
