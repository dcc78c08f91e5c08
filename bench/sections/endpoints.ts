// (b) What one CPU-second of the server answers, beside oidc-provider in memory and a bare server that does the same
// signatures and the same durable writes.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBrowser } from '../browser.ts';
import { load, repeating, type User } from '../load.ts';
import { type Measured, start } from '../processes.ts';
import { median, quantile } from '../statistics.ts';
import {
  authorizationQuery,
  basic,
  CALLBACK,
  FORM,
  type Latchkey,
  mintTokens,
  redemption,
} from '../subjects/latchkey.ts';

/** To see that it runs: its figures mean nothing. */
const IS_TRIAL = process.env.LATCHKEY_BENCH_TRIAL === '1';
const ROUNDS = IS_TRIAL ? 1 : 7;
const SECONDS = IS_TRIAL ? 0.3 : 2;
/** Until the compiler of the engine has seen enough: a server that has just started takes twice the time a request. */
const WARM_UP_SECONDS = IS_TRIAL ? 0.3 : 6;
/** Enough that those who wait share a commit, as they do on a busy server; the peers get as many. */
const USERS = 64;
/** People who sign in: each user of the load takes eight of them in turn, since nobody comes back a hundred times a minute. */
const PEOPLE = IS_TRIAL ? USERS : USERS * 8;
const SECRET = 'a-secret-of-the-benchmark-and-nothing-else';

export interface EndpointFigure {
  readonly perCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
}
export type EndpointFigures = Readonly<Record<string, Readonly<Record<string, EndpointFigure>>>>;

interface Candidate {
  readonly process: Measured;
  readonly port: number;
  readonly users: readonly User[];
}

const here = (path: string): string => new URL(path, import.meta.url).pathname;

export async function measureEndpoints(latchkey: Latchkey): Promise<EndpointFigures> {
  const folders = ['write', 'check', 'flow', 'userinfo'].map((name) =>
    mkdtempSync(join(tmpdir(), `latchkey-bench-${name}-`)),
  );
  const [toWrite = '', toCheck = '', toFlow = '', toUserinfo = ''] = folders;
  const provider = await start(here('../peers/oidc-provider.mjs'), [], { NODE_ENV: 'production' });
  const opaque = await start(here('../peers/oidc-provider.mjs'), [], { NODE_ENV: 'production', FORMAT: 'opaque' });
  const sign = await start(here('../limits/bare.ts'), ['sign']);
  const write = await start(here('../limits/bare.ts'), ['sign-and-write', toWrite]);
  const check = await start(here('../limits/bare.ts'), ['verify-and-read', toCheck]);
  const flow = await start(here('../limits/bare.ts'), ['code-flow', toFlow]);
  const look = await start(here('../limits/bare.ts'), ['userinfo', toUserinfo]);
  const machine = await latchkey.machine();
  const { clientId, refreshTokens } = await latchkey.people(USERS);
  const [own = ''] = await mintTokens(latchkey.issuer, machine, 1);
  const api = await latchkey.api('opaque');
  const [opaqueOwn = ''] = await mintTokens(latchkey.issuer, api.machine, 1);
  const peer = basic('machine', SECRET);
  const port = (of: { readonly told: Readonly<Record<string, unknown>> }) => Number(of.told.port);
  const peerToken = await opaqueToken(port(opaque), peer);

  const figures: EndpointFigures = {
    client_credentials: await compare({
      Latchkey: {
        process: latchkey.process,
        port: latchkey.port,
        users: repeat('/oauth/token', machine, 'grant_type=client_credentials'),
      },
      'oidc-provider': {
        process: provider,
        port: port(provider),
        users: repeat('/token', peer, 'grant_type=client_credentials&scope=read'),
      },
      'bare server': {
        process: sign,
        port: port(sign),
        users: repeat('/', basic('x', SECRET), 'grant_type=client_credentials'),
      },
    }),
    refresh_token: await compare({
      Latchkey: {
        process: latchkey.process,
        port: latchkey.port,
        users: refreshers('/oauth/token', undefined, refreshTokens, clientId),
      },
      'oidc-provider': {
        process: provider,
        port: port(provider),
        users: refreshers('/token', peer, provider.told.refreshTokens as string[], undefined),
      },
      'bare server': {
        process: write,
        port: port(write),
        users: repeat('/', basic('x', SECRET), 'grant_type=refresh_token'),
      },
    }),
    introspection: await compare({
      Latchkey: {
        process: latchkey.process,
        port: latchkey.port,
        users: repeat('/oauth/introspect', basic(api.resource.id, api.resource.secret), `token=${opaqueOwn}`),
      },
      'Latchkey (JWT)': {
        process: latchkey.process,
        port: latchkey.port,
        users: repeat('/oauth/introspect', basic(latchkey.resource.id, latchkey.resource.secret), `token=${own}`),
      },
      'oidc-provider (opaque token)': {
        process: opaque,
        port: port(opaque),
        users: repeat('/token/introspection', peer, `token=${peerToken}`),
      },
      'bare server': {
        process: check,
        port: port(check),
        users: repeat('/', basic('x', SECRET), `token=${check.told.token}`),
      },
    }),
  };
  const { client, cookies } = await latchkey.browsers(PEOPLE);
  const peerCookies: string[] = [];
  const peerQuery = authorizationQuery('machine', 'openid read');
  while (peerCookies.length < PEOPLE) {
    const browser = createBrowser('10.2.0.1');
    await browser.walk(`http://127.0.0.1:${port(provider)}/auth?${peerQuery}`, CALLBACK, () => ({}));
    peerCookies.push(browser.cookies());
  }
  const code_flow = await compare({
    Latchkey: {
      process: latchkey.process,
      port: latchkey.port,
      users: visitors(
        { authorize: `/oauth/authorize?${authorizationQuery(client.id, 'openid read')}`, token: '/oauth/token' },
        client.authorization,
        cookies,
      ),
    },
    'oidc-provider': {
      process: provider,
      port: port(provider),
      users: visitors({ authorize: `/auth?${peerQuery}`, token: '/token' }, peer, peerCookies),
    },
    'bare server': {
      process: flow,
      port: port(flow),
      users: visitors({ authorize: `/?${peerQuery}`, token: '/' }, basic('x', SECRET), peerCookies),
    },
  });
  const userinfo = await compare({
    Latchkey: {
      process: latchkey.process,
      port: latchkey.port,
      users: bearers('/oauth/userinfo', await latchkey.userinfoTokens(cookies.slice(0, USERS))),
    },
    'oidc-provider (opaque token)': {
      process: provider,
      port: port(provider),
      users: bearers('/me', provider.told.accessTokens as string[]),
    },
    'bare server': {
      process: look,
      port: port(look),
      users: bearers(
        '/',
        Array.from({ length: USERS }, () => String(look.told.token)),
      ),
    },
  });
  await Promise.all([provider, opaque, sign, write, check, flow, look].map((one) => one.stop()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  return { ...figures, code_flow, userinfo };
}

async function compare(
  candidates: Readonly<Record<string, Candidate>>,
): Promise<Readonly<Record<string, EndpointFigure>>> {
  const rates: Record<string, number[]> = {};
  const latencies: Record<string, number[]> = {};
  for (const { port, users } of Object.values(candidates)) await load(port, users, WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, { process, port, users }] of Object.entries(candidates)) {
      const before = process.cpuSeconds();
      const result = await load(port, users, SECONDS);
      if (result.firstFailure !== undefined)
        throw new Error(`${name}: ${result.failures} of ${result.requests} failed: ${result.firstFailure}`);
      rates[name] = [...(rates[name] ?? []), result.requests / (process.cpuSeconds() - before)];
      latencies[name] = [...(latencies[name] ?? []), ...result.latencies];
    }
  return Object.fromEntries(
    Object.keys(candidates).map((name) => [
      name,
      {
        perCpuSecond: median(rates[name] ?? []),
        p50: quantile(latencies[name] ?? [], 0.5),
        p99: quantile(latencies[name] ?? [], 0.99),
      },
    ]),
  );
}

const headersOf = (authorization: string | undefined): Readonly<Record<string, string>> => ({
  'content-type': FORM,
  ...(authorization === undefined ? {} : { authorization }),
});

const repeat = (path: string, authorization: string, body: string): readonly User[] =>
  Array.from({ length: USERS }, () => repeating(() => ({ path, headers: headersOf(authorization), body })));

/** Users who each refresh with what the answer before gave them, over all rounds. */
export function refreshers(
  path: string,
  authorization: string | undefined,
  tokens: readonly string[],
  clientId: string | undefined,
): readonly User[] {
  return tokens.map((first): User => {
    let token = first;
    return {
      next() {
        const fields = {
          grant_type: 'refresh_token',
          refresh_token: token,
          ...(clientId === undefined ? {} : { client_id: clientId }),
        };
        return { path, headers: headersOf(authorization), body: new URLSearchParams(fields).toString() };
      },
      answered({ body }) {
        token = String((JSON.parse(body) as { refresh_token: string }).refresh_token);
      },
    };
  });
}

/** Users who go through the code flow, as one person after another who is signed in already. */
function visitors(
  paths: { readonly authorize: string; readonly token: string },
  authorization: string,
  cookies: readonly string[],
): readonly User[] {
  return Array.from({ length: USERS }, (_, first): User => {
    let person = first;
    let code: string | undefined;
    return {
      next() {
        if (code !== undefined) return { path: paths.token, headers: headersOf(authorization), body: redemption(code) };
        const cookie = cookies[person % cookies.length] ?? '';
        return { path: paths.authorize, headers: { cookie }, body: undefined, status: 303, goesOn: true };
      },
      answered({ headers: { location }, body }) {
        if (code === undefined) {
          code = location === undefined ? undefined : (new URL(location).searchParams.get('code') ?? undefined);
          return;
        }
        if (!body.includes('"id_token"')) throw new Error(`there is no ID token in ${body}`);
        code = undefined;
        person += USERS;
      },
    };
  });
}

const bearers = (path: string, tokens: readonly string[]): readonly User[] =>
  tokens.map((token) => repeating(() => ({ path, headers: { authorization: `Bearer ${token}` }, body: undefined })));

async function opaqueToken(port: number, authorization: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/token`, {
    method: 'POST',
    headers: { authorization, 'content-type': FORM },
    body: 'grant_type=client_credentials&scope=read',
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}
