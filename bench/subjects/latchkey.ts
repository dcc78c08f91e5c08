import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBrowser } from '../browser.ts';
import { type Measured, measure } from '../processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const MAIN = join(root, 'packages/cli/dist/main.js');
export const PASSWORD = 'a passphrase of the benchmark';

/** Builds what is measured: the files that would be published. */
export const build = (): void =>
  void execFileSync('npx', ['tsc', '-b', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });

/** A built server in production mode on SQLite, with an API, a machine and a person's client. */
export interface Latchkey {
  readonly process: Measured;
  readonly issuer: string;
  readonly port: number;
  readonly startMilliseconds: number;
  readonly audience: string;
  readonly resource: { readonly id: string; readonly secret: string };
  /** Makes another API, whose tokens have this form, with a machine for it. */
  api(format: 'jwt' | 'opaque'): Promise<Api>;
  /** Makes a confidential client; gives the value of its `Authorization` header. */
  machine(): Promise<string>;
  /** Makes people and signs them in; gives their refresh tokens, with the client they belong to. */
  people(count: number): Promise<{ readonly clientId: string; readonly refreshTokens: readonly string[] }>;
  /** Makes people, each signed in with a browser of their own; gives its cookies, with the client that asks for codes. */
  browsers(count: number): Promise<{ readonly client: CodeClient; readonly cookies: readonly string[] }>;
  /** Access tokens that UserInfo takes, one for each browser. */
  userinfoTokens(cookies: readonly string[]): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** An API, a machine that gets tokens for it, and keys to it. */
export interface Api {
  readonly audience: string;
  readonly resource: { readonly id: string; readonly secret: string };
  readonly machine: string;
  apiKeys(count: number): Promise<readonly string[]>;
}

/** A confidential client of the code flow. */
export interface CodeClient {
  readonly id: string;
  readonly authorization: string;
}

/** What every client of the code flow sends beside its own names: the same verifier always, which is the load's saving. */
export const CALLBACK = 'https://client.example/cb';
export const VERIFIER = 'a-verifier-of-the-benchmark-which-is-long-enough';
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
export const authorizationQuery = (clientId: string, scope: string): string =>
  new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: CALLBACK,
    scope,
    state: 'state',
    nonce: 'nonce',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  }).toString();
/** The form that redeems a code. */
export const redemption = (code: string): string =>
  new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
  }).toString();

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
export const FORM = 'application/x-www-form-urlencoded';

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });

/** Starts the server on an empty folder, or on one that is there, and measures how long it takes to answer. */
export async function startLatchkey(): Promise<Latchkey> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const env = {
    LATCHKEY_ISSUER: issuer,
    LATCHKEY_PORT: String(port),
    LATCHKEY_DATA: join(folder, 'data'),
    LATCHKEY_KEK_FILE: join(folder, 'kek'),
    LATCHKEY_TRUSTED_PROXIES: '127.0.0.1',
    LATCHKEY_LOG_LEVEL: 'error',
  };
  execFileSync(process.execPath, [MAIN, 'init'], {
    env: { ...process.env, ...env },
    cwd: folder,
    stdio: 'pipe',
  });
  const begun = performance.now();
  const measured = measure(MAIN, ['serve'], env, folder);
  await untilReady(`${issuer}/readyz`);
  const startMilliseconds = performance.now() - begun;
  const admin = await openAdmin(join(folder, 'admin.json'), issuer);
  const audience = 'https://api.bench.example';
  const resource = await admin('/resources', { identifier: audience, name: 'bench', scopes: ['read'] });
  let lastOwner = '';
  return {
    process: measured,
    issuer,
    port,
    startMilliseconds,
    audience,
    resource: { id: String(resource.id), secret: String(resource.secret) },
    async machine() {
      const made = await machineFor(admin, audience);
      return basic(made.id, made.secret);
    },
    async api(format) {
      const own = `https://api-${randomBytes(6).toString('hex')}.bench.example`;
      const made = await admin('/resources', { identifier: own, name: 'bench', scopes: ['read'], format });
      const client = await machineFor(admin, own);
      return {
        audience: own,
        resource: { id: String(made.id), secret: String(made.secret) },
        machine: basic(client.id, client.secret),
        async apiKeys(count) {
          const keys: string[] = [];
          while (keys.length < count) {
            // an owner has a limit of keys
            const owner = keys.length % 50 === 0 ? (await machineFor(admin, own)).id : lastOwner;
            lastOwner = owner;
            const key = await admin('/api-keys', { owner, name: 'bench', resource: own, scopes: ['read'] });
            keys.push(String(key.secret));
          }
          return keys;
        },
      };
    },
    async people(count) {
      const client = {
        name: 'app',
        authentication: 'none',
        first_party: true,
        grant_types: ['refresh_token'],
        scopes: ['read'],
        resources: [audience],
      };
      const made = await admin('/clients', client);
      const refreshTokens: string[] = [];
      for (let index = 0; index < count; index++) {
        const username = `person-${randomBytes(6).toString('hex')}`;
        await admin('/accounts', { identifiers: [username], password: PASSWORD });
        const body = { username, password: PASSWORD, client_id: made.client_id };
        const login = await postJson(`${issuer}/api/login`, body, { 'x-forwarded-for': `10.0.0.${index}` });
        refreshTokens.push(String(login.refresh_token));
      }
      return { clientId: String(made.client_id), refreshTokens };
    },
    async browsers(count) {
      const client = await codeClient(admin, ['openid', 'read'], [audience]);
      const url = `${issuer}/oauth/authorize?${authorizationQuery(client.id, 'openid read')}`;
      const cookies: string[] = [];
      for (let index = 0; index < count; index++) {
        const username = `person-${randomBytes(6).toString('hex')}`;
        await admin('/accounts', { identifiers: [username], password: PASSWORD });
        const browser = createBrowser(`10.1.${index >> 8}.${index & 255}`);
        await browser.walk(url, CALLBACK, () => ({ username, password: PASSWORD }));
        cookies.push(browser.cookies());
      }
      return { client, cookies };
    },
    async userinfoTokens(cookies) {
      const client = await codeClient(admin, ['openid'], []);
      const url = `${issuer}/oauth/authorize?${authorizationQuery(client.id, 'openid')}`;
      return Promise.all(
        cookies.map(async (cookie) => {
          const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
          const code = new URL(answer.headers.get('location') ?? '', url).searchParams.get('code') ?? '';
          const headers = { authorization: client.authorization, 'content-type': FORM };
          const tokens = await fetch(`${issuer}/oauth/token`, { method: 'POST', headers, body: redemption(code) });
          return ((await tokens.json()) as { access_token: string }).access_token;
        }),
      );
    },
    async stop() {
      await measured.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 5_000; attempt++) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error('the server did not come up');
}

type Json = Readonly<Record<string, unknown>>;

async function postJson(url: string, body: object, headers: Readonly<Record<string, string>>): Promise<Json> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as Json;
  if (!answer.ok) throw new Error(`${url} answered ${answer.status} ${JSON.stringify(json)}`);
  return json;
}

async function machineFor(admin: (path: string, body: object) => Promise<Json>, audience: string) {
  const made = await admin('/clients', {
    name: 'machine',
    authentication: 'client_secret_basic',
    grant_types: ['client_credentials'],
    scopes: ['read'],
    resources: [audience],
  });
  return { id: String(made.client_id), secret: String(made.client_secret) };
}

/** Our own, so that nobody is asked for consent; without refresh tokens, and with ID tokens signed like access tokens. */
async function codeClient(
  admin: (path: string, body: object) => Promise<Json>,
  scopes: readonly string[],
  resources: readonly string[],
): Promise<CodeClient> {
  const made = await admin('/clients', {
    name: 'web app',
    authentication: 'client_secret_basic',
    first_party: true,
    grant_types: ['authorization_code'],
    scopes,
    resources,
    redirect_uris: [CALLBACK],
    id_token_alg: 'ES256',
  });
  const id = String(made.client_id);
  return { id, authorization: basic(id, String(made.client_secret)) };
}

async function openAdmin(file: string, issuer: string): Promise<(path: string, body: object) => Promise<Json>> {
  const credential = JSON.parse(readFileSync(file, 'utf8')) as { client_id: string; client_secret: string };
  const authorization = basic(credential.client_id, credential.client_secret);
  const fresh = async () => ({ token: (await mintTokens(issuer, authorization, 1))[0], at: performance.now() });
  let held = await fresh();
  return async (path, body) => {
    // between two calls a section may run for longer than a token lives
    if (performance.now() - held.at > 120_000) held = await fresh();
    return postJson(`${issuer}/admin/api${path}`, body, { authorization: `Bearer ${held.token}` });
  };
}

/** Access tokens of a machine, as many as are wanted, each its own. */
export async function mintTokens(issuer: string, authorization: string, count: number): Promise<readonly string[]> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const some = Array.from({ length: Math.min(32, count - tokens.length) }, async () => {
      const answer = await fetch(`${issuer}/oauth/token`, {
        method: 'POST',
        headers: { authorization, 'content-type': FORM },
        body: 'grant_type=client_credentials',
      });
      return ((await answer.json()) as { access_token: string }).access_token;
    });
    tokens.push(...(await Promise.all(some)));
  }
  return tokens;
}
