import { identifierOf, parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { allow } from '@latchkey/domain/decision';
import { makeId } from '@latchkey/protocol/ids';
import type { AccountId, ClientId } from '@latchkey/protocol/types';
import type { Server } from '@latchkey/server/server';
import { addClient, addResource, jsonBody, type TestServer } from './test-server.ts';

export const PASSWORD = 'a passphrase that nobody guesses';

/** Stores an account that can sign in with `PASSWORD`, under one name or several. */
export async function addAccount(
  server: Server,
  names: string | readonly string[],
  password = PASSWORD,
): Promise<AccountId> {
  const id = makeId('acc', server.now(), server.entropy(10));
  const parsed = [names].flat().flatMap((name) => parseIdentifier(name) ?? []);
  const phc = await server.passwords.hash(password);
  if (parsed.length !== [names].flat().length || !phc.ok) throw new Error('the account cannot be made');
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(undefined, [
        {
          kind: 'account.create',
          account: { id, version: 1, createdAt: now, disabledAt: undefined, cutOff: undefined },
          identifiers: parsed.map((one) => identifierOf(one, id)),
        },
        { kind: 'password.set', id, phc: phc.value, at: now },
      ]),
  );
  return id;
}

/** A deployment with an API, a first-party client for it, and a person. */
export interface World {
  readonly at: TestServer;
  readonly api: Awaited<ReturnType<typeof addResource>>;
  readonly clientId: ClientId;
  readonly origin: string;
  readonly accountId: AccountId;
  post(path: string, body: object, headers?: Readonly<Record<string, string>>, remote?: string): Promise<Answered>;
  login(more?: object, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  get(path: string, headers: Readonly<Record<string, string>>): Promise<Answered>;
}

/** An answer, read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, string>>;
  /** Cookies by name, as a browser would keep them. */
  readonly cookies: Readonly<Record<string, string>>;
}

export async function read(answer: Response): Promise<Answered> {
  const text = await answer.text();
  const cookies = Object.fromEntries(
    answer.headers.getSetCookie().map((line) => {
      const [pair = ''] = line.split(';');
      return [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    }),
  );
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text), cookies };
}

export async function populate(at: TestServer): Promise<World> {
  const { server } = at;
  const api = await addResource(server);
  const origin = 'https://app.example';
  const client = await addClient(server, {
    authentication: 'none',
    firstParty: true,
    grantTypes: ['refresh_token'],
    resources: [api.row.identifier],
    origins: [origin],
  });
  const accountId = await addAccount(server, 'alice');
  const post: World['post'] = async (path, body, headers = {}, remote) =>
    read(await at.fetch(path, jsonBody(body, headers), remote));
  return {
    at,
    api,
    clientId: client.row.id,
    origin,
    accountId,
    post,
    login: (more = {}, headers = {}) =>
      post('/api/login', { username: 'alice', password: PASSWORD, client_id: client.row.id, ...more }, headers),
    get: async (path, headers) => read(await at.fetch(path, { headers })),
  };
}
