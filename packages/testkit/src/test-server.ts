import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@latchkey/domain/clients/client';
import { PLAIN_RESOURCE, type Resource } from '@latchkey/domain/clients/resource';
import type { Write } from '@latchkey/domain/write';
import { makeId } from '@latchkey/protocol/ids';
import type { Timers } from '@latchkey/protocol/timers';
import type { ClientId, EpochMilliseconds, ResourceId, ResourceIdentifier } from '@latchkey/protocol/types';
import { createServer, type RunningServer } from '@latchkey/server/create-server';
import { listen } from '@latchkey/server/listen';
import { createLog } from '@latchkey/server/observe/pino-log';
import type { Argon2Cost } from '@latchkey/server/prove/argon2-hasher';
import { secretHash } from '@latchkey/server/prove/secret';
import { readSettings } from '@latchkey/server/read-settings';
import type { Server } from '@latchkey/server/server';
import { systemParts } from '@latchkey/server/system';
import { createSecretWatch, type SecretWatch } from './secret-watch.ts';

/** Cheap enough that a test that is not about hashing does not wait for it. */
export const TEST_HASH_COST = { memoryCost: 64, timeCost: 1, parallelism: 1 } as const;

export interface TestServerOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly now?: () => EpochMilliseconds;
  /** By what allowances refill; the system's by default. */
  readonly monotonic?: () => number;
  /** The folder of the database; by default one of its own, which goes with the server. */
  readonly data?: string;
  readonly kek?: Uint8Array;
  /** When work comes round that no request asks for; the system's by default. */
  readonly timers?: Timers;
  /** With which requests to a claim hook are signed. */
  readonly claimHookSecret?: string;
  /** Of password hashes; cheap by default. */
  readonly hashCost?: Argon2Cost;
}

/** A whole server on a real database, without a port unless one is asked for. */
export interface TestServer {
  readonly server: Server;
  readonly issuer: string;
  readonly running: RunningServer;
  /** Everything that it has logged. */
  readonly logged: readonly string[];
  readonly data: string;
  /** Every secret that went in or out through `fetch`, none of which may be found anywhere at the end. */
  readonly secrets: SecretWatch;
  /** Sends a request as if from this address. */
  fetch(path: string, init?: RequestInit, remote?: string): Promise<Response>;
  /** Opens the port of its issuer on loopback. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** Finds a port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createHttpServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  const port = options.settings?.port ?? String(await freePort());
  const flags = {
    mode: 'development',
    port,
    data,
    kekFile: join(tmpdir(), 'latchkey-no-kek-file'),
    ...options.settings,
  };
  const settings = readSettings({ flags, env: {}, file: {} });
  if (!settings.ok) throw new Error(JSON.stringify(settings.error));
  const logged: string[] = [];
  const system = systemParts();
  const watch = createSecretWatch();
  const kek = options.kek ?? randomBytes(32);
  watch.add('key-encryption key', kek);
  if (options.claimHookSecret !== undefined) watch.add('claim hook secret', options.claimHookSecret);
  const running = await createServer(settings.value, {
    kek,
    log: createLog('info', { write: (line) => void logged.push(line) }),
    metricsToken: settings.value.metricsTokenFile,
    smtpPassword: undefined,
    claimHookSecret: options.claimHookSecret,
    peppers: [],
    ...system,
    now: options.now ?? system.now,
    monotonic: options.monotonic ?? system.monotonic,
    timers: options.timers ?? system.timers,
    entropy(count) {
      const bytes = new Uint8Array(randomBytes(count));
      watch.add('entropy', bytes);
      return bytes;
    },
    hashCost: options.hashCost ?? TEST_HASH_COST,
    onFault: (error) => {
      throw error;
    },
  });
  let close: (() => Promise<void>) | undefined;
  const { issuer } = settings.value;
  const answers: string[] = [];
  return {
    server: running.server,
    issuer,
    running,
    logged,
    data,
    secrets: watch,
    async fetch(path, init = {}, remote = '127.0.0.1') {
      watch.sent(init);
      const answer = await running.app.handle(new Request(path.startsWith('http') ? path : issuer + path, init), {
        remote,
        target: path.startsWith('http') ? path : new URL(issuer).pathname.replace(/\/+$/, '') + path,
      });
      if (!isJson(answer)) return answer;
      const text = await answer.clone().text();
      watch.received(answer.headers, text);
      if (answer.status >= 400 || path.endsWith('/explain')) answers.push(text);
      return answer;
    },
    async listen() {
      const listening = await listen(running);
      close = () => listening.close(200);
    },
    async close() {
      running.drain();
      await close?.();
      const places = { log: logged.join(''), answers: answers.join('\n'), ...(await storedBy(running, data)) };
      await running.close();
      if (options.data === undefined) rmSync(data, { recursive: true, force: true });
      expectNoSecret(places, watch);
    },
  };
}

const isJson = ({ headers }: Response): boolean => /json/.test(headers.get('content-type') ?? '');

/** What a server has told its metrics and put on its disk. */
async function storedBy({ server }: RunningServer, data: string): Promise<Readonly<Record<string, Buffer | string>>> {
  const files = ['latchkey.db', 'latchkey.db-wal'].map((name) => join(data, name)).filter((path) => existsSync(path));
  return {
    metrics: await server.metrics.render(),
    ...Object.fromEntries(files.map((path) => [path, readFileSync(path)])),
  };
}

/** Every test that talks to a server is a test of this too. @spec ASVS 16.2.5 (OPS-01) */
function expectNoSecret(places: Readonly<Record<string, Uint8Array | string>>, watch: SecretWatch): void {
  for (const [place, content] of Object.entries(places)) {
    const found = watch.foundIn(content);
    if (found.length > 0) throw new Error(`a secret stands in ${place}: ${found.join(', ')}`);
  }
}

/** A stored client or resource with the secret that was made for it. */
export interface WithSecret<T> {
  readonly row: T;
  readonly secret: string;
  /** The value of an `Authorization` header. */
  readonly basic: string;
}

const basicOf = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

/** Stores a resource, with a secret for its verifiers. */
export async function addResource(server: Server, given: Partial<Resource> = {}): Promise<WithSecret<Resource>> {
  const id: ResourceId = makeId('res', server.now(), server.entropy(10));
  const identifier = given.identifier ?? (`https://api-${id.slice(-6)}.example` as ResourceIdentifier);
  const row: Resource = {
    id,
    version: 1,
    audience: identifier,
    name: 'Test API',
    createdAt: server.now(),
    scope: ['read', 'write'],
    algorithm: 'ES256',
    tokenType: 'at+jwt',
    accessTokenSeconds: 300,
    ...PLAIN_RESOURCE,
    builtIn: false,
    ...given,
    identifier,
  };
  const secret = `lk_rs_${randomBytes(32).toString('base64url')}`;
  await store(server, { kind: 'resource.create', resource: row }, id, secret);
  return { row, secret, basic: basicOf(id, secret) };
}

/** Stores a client; a confidential one gets a secret. */
export async function addClient(server: Server, given: Partial<Client> = {}): Promise<WithSecret<Client>> {
  const id: ClientId = given.id ?? makeId('cli', server.now(), server.entropy(10));
  const row: Client = {
    id,
    version: 1,
    name: 'Test client',
    createdAt: server.now(),
    deletedAt: undefined,
    authentication: 'client_secret_basic',
    firstParty: false,
    grantTypes: ['client_credentials', 'refresh_token'],
    scope: ['read', 'write'],
    resources: [],
    origins: [],
    applicationType: 'web',
    redirectUris: [],
    postLogoutRedirectUris: [],
    backchannelLogoutUri: undefined,
    backchannelLogoutSessionRequired: false,
    sector: undefined,
    requiresPkce: true,
    idTokenAlgorithm: 'RS256',
    hasScopeClaimsInIdToken: false,
    refreshPolicy: 'rotate',
    overlapMilliseconds: undefined,
    cutOff: undefined,
    ...given,
  };
  const secret = `lk_cs_${randomBytes(32).toString('base64url')}`;
  await store(server, { kind: 'client.create', client: row }, row.authentication === 'none' ? undefined : id, secret);
  return { row, secret, basic: basicOf(id, secret) };
}

async function store(
  server: Server,
  write: Write,
  owner: ClientId | ResourceId | undefined,
  secret: string,
): Promise<void> {
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [
        write,
        ...(owner === undefined
          ? []
          : [
              {
                kind: 'secret.add',
                secret: {
                  id: makeId('sec', now, server.entropy(10)),
                  owner,
                  hash: secretHash(secret),
                  createdAt: now,
                  expiresAt: undefined,
                },
              } as const,
            ]),
      ],
    }),
  );
}

/** A form, as the OAuth endpoints take it. */
export const form = (
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  body: new URLSearchParams(fields).toString(),
});

/** A JSON body, as the first-party API takes it. */
export const jsonBody = (body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
