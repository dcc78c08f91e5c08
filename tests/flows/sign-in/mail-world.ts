import type { Client } from '@latchkey/domain/clients/client';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { type TestClock, testClock } from '@latchkey/testkit/clock';
import {
  addRelyingParty,
  authorizePath,
  createPageBrowser,
  makePkce,
  type PageBrowser,
  requestOf,
  type Visited,
} from '@latchkey/testkit/code-flow';
import { populate, type World } from '@latchkey/testkit/people';
import { withoutJobs } from '@latchkey/testkit/post';
import { startTestServer, type WithSecret } from '@latchkey/testkit/test-server';

/** A deployment that sends mail, and a client that signs people in. */
export interface MailWorld extends World {
  readonly clock: TestClock;
  readonly client: WithSecret<Client>;
  readonly pkce: ReturnType<typeof makePkce>;
  /** A browser at an address of its own. */
  browser(): PageBrowser;
  /** Begins a sign-in, as far as the page that asks for a password. */
  begin(browser: PageBrowser, more?: Readonly<Record<string, string>>): Promise<Visited>;
  /** Opens a page, types something into its field and sends it. */
  ask(browser: PageBrowser, path: string, identifier: string): Promise<Visited>;
  /** How many transactions there were so far. */
  commits(): Promise<number>;
}

export async function startMailWorld(settings: Readonly<Record<string, string>> = {}): Promise<MailWorld> {
  const clock = testClock();
  const monotonic = () => Number(clock.now());
  const at = await startTestServer({ now: clock.now, monotonic, timers: withoutJobs(), settings });
  const world = await populate(at);
  const client = await addRelyingParty(world);
  const pkce = makePkce();
  let visitors = 0;
  return {
    ...world,
    clock,
    client,
    pkce,
    browser: () => createPageBrowser(at, `2001:db8:0:${(++visitors).toString(16)}::1`),
    async begin(browser, more = {}) {
      const first = await browser.get(authorizePath(requestOf(client.row, pkce.challenge, more)));
      return browser.get(first.location ?? '');
    },
    ask: async (browser, path, identifier) => browser.submit(await browser.get(path), { identifier }),
    async commits() {
      return Number(/^latchkey_commit_seconds_count (\d+)/m.exec(await at.server.metrics.render())?.[1] ?? 'NaN');
    },
  };
}

/** Where a page's link with these words leads. */
export function wayIn({ text }: Visited, words: string): string {
  const to = [...text.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].find(([, , said]) => said === words)?.[1];
  if (to === undefined) throw new Error(`there is no link “${words}” in the page`);
  return to.replaceAll('&amp;', '&');
}

/** How a page refuses: its status, and the code in it. */
export const told = ({ status, text }: Pick<Visited, 'status' | 'text'>): readonly unknown[] => [
  status,
  /<dd><code>(?:<bdi>)?([^<]*)/.exec(text)?.[1],
];

/** What the catalogue says of it. */
export const toldOf = (error: ErrorId): readonly unknown[] => [errorRow(error).status, errorRow(error).code];

export const INVALID = toldOf('link_invalid');
