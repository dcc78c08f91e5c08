import { createHash, randomBytes } from 'node:crypto';
import type { Client } from '@latchkey/domain/clients/client';
import { actionIn, hiddenIn } from './page-form.ts';
import { type Answered, PASSWORD, read, type World } from './people.ts';
import { addClient, form, type TestServer, type WithSecret } from './test-server.ts';

export { actionIn, hiddenIn };

/** Where the answers of the test clients go. */
export const CALLBACK = 'https://rp.example/callback';

/** A client of somebody else that signs people in. */
export const addRelyingParty = ({ at, api }: World, given: Partial<Client> = {}): Promise<WithSecret<Client>> =>
  addClient(at.server, {
    name: 'Relying party',
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: ['openid', 'profile', 'email', 'offline_access', 'read', 'write'],
    resources: [api.row.identifier],
    redirectUris: [CALLBACK],
    ...given,
  });

/** A browser without a screen: it keeps cookies, and sends forms as they stand in the page. */
export interface PageBrowser {
  readonly cookies: Map<string, string>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Visited>;
  /** Sends the form of a page, with what somebody typed or pressed. */
  submit(
    page: Visited,
    typed: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Visited>;
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Visited>;
}

/** What a browser sees: a page, or where it is sent. */
export interface Visited {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly location: string | undefined;
}

/** What a browser needs of a server: one in this process, or one behind a port. */
export interface Visitable {
  readonly fetch: TestServer['fetch'];
  readonly secrets: Pick<TestServer['secrets'], 'add'>;
}

export function createPageBrowser(at: Visitable, remote?: string): PageBrowser {
  const cookies = new Map<string, string>();
  async function visit(path: string, init: RequestInit): Promise<Visited> {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const headers = { ...(cookie === '' ? {} : { cookie }), ...(init.headers as Record<string, string>) };
    const answer = await at.fetch(path, { ...init, headers }, remote);
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
      at.secrets.add(`cookie ${name}`, value);
    }
    const { status } = answer;
    return {
      status,
      headers: answer.headers,
      text: await answer.text(),
      location: answer.headers.get('location') ?? undefined,
    };
  }
  const post: PageBrowser['post'] = (path, fields, headers = {}) =>
    visit(path, form(fields, { 'sec-fetch-site': 'same-origin', ...headers }));
  return {
    cookies,
    get: (path, headers = {}) => visit(path, { headers }),
    post,
    submit: (page, typed, headers) => post(actionIn(page.text), { ...hiddenIn(page.text), ...typed }, headers),
  };
}

/** A PKCE pair. */
export function makePkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export const authorizePath = (parameters: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `/oauth/authorize?${new URLSearchParams(given).toString()}`;
};

/** An authorization request as most clients send it. */
export const requestOf = (
  client: Pick<Client, 'id'>,
  challenge: string,
  more: Readonly<Record<string, string | undefined>> = {},
): Readonly<Record<string, string | undefined>> => ({
  response_type: 'code',
  client_id: client.id,
  redirect_uri: CALLBACK,
  scope: 'openid',
  state: 'the state',
  nonce: 'the nonce',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  ...more,
});

/** Goes through whatever pages come up, as somebody who knows the password and allows everything, to the answer. */
export async function goThrough(
  browser: PageBrowser,
  first: Visited,
  typed: Readonly<Record<string, string>> = {},
): Promise<Visited> {
  let seen = first;
  for (let step = 0; step < 10; step++) {
    if (
      seen.location?.startsWith('http') === true &&
      !/\/(signin|consent|choose-account|oauth\/authorize)\?/.test(seen.location)
    )
      return seen;
    if (seen.location !== undefined) seen = await browser.get(seen.location);
    else if (/name="password"/.test(seen.text))
      seen = await browser.submit(seen, { username: 'alice', password: PASSWORD, ...typed });
    else if (/name="decision"/.test(seen.text)) seen = await browser.submit(seen, { decision: 'allow' });
    else if (/name="session"/.test(seen.text)) {
      const session = /name="session" value="([^"]*)"/.exec(seen.text)?.[1] ?? '';
      seen = await browser.submit(seen, { session });
    } else return seen;
  }
  throw new Error('the pages do not come to an end');
}

export const answerIn = (seen: Visited): URLSearchParams => new URL(seen.location ?? 'about:blank').searchParams;

/** Redeems a code, as the client. */
export async function redeem(
  { at }: Pick<World, 'at'>,
  client: WithSecret<Client>,
  fields: Readonly<Record<string, string>>,
): Promise<Answered> {
  const isPublic = client.row.authentication === 'none';
  const body = {
    grant_type: 'authorization_code',
    redirect_uri: CALLBACK,
    ...(isPublic ? { client_id: client.row.id } : {}),
    ...fields,
  };
  return read(await at.fetch('/oauth/token', form(body, isPublic ? {} : { authorization: client.basic })));
}

/** The whole flow: through the pages to a code, and from the code to tokens. */
export async function codeFlow(
  world: World,
  client: WithSecret<Client>,
  more: Readonly<Record<string, string | undefined>> = {},
  browser: PageBrowser = createPageBrowser(world.at),
): Promise<Answered> {
  const { verifier, challenge } = makePkce();
  const answer = await goThrough(browser, await browser.get(authorizePath(requestOf(client.row, challenge, more))));
  const code = answerIn(answer).get('code');
  if (code === null) throw new Error(`no code: ${answer.status} ${answer.location ?? answer.text}`);
  world.at.secrets.add('authorization code', code);
  return redeem(world, client, { code, code_verifier: verifier });
}
