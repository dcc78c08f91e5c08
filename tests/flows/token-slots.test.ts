import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { rowsOf } from './refusal.ts';

let world: World;
let admin: TestAdministrator;
let machine: Awaited<ReturnType<typeof addClient>>;
let opaqueClient: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const opaque = await addResource(world.at.server, { format: 'opaque' });
  opaqueClient = await addClient(world.at.server, {
    authentication: 'none',
    firstParty: true,
    grantTypes: ['refresh_token'],
    resources: [opaque.row.identifier],
  });
});
afterAll(() => world.at.close());

const KINDS = [
  'access token of an API',
  'opaque access token',
  'access token of the server',
  'access token of the admin API',
  'refresh token',
  'refresh cookie',
  'access cookie',
  'CSRF token',
  'client secret',
  'secret of a resource server',
  'password',
  'family id',
  'session id',
  'token id',
  'client id',
] as const;
type Kind = (typeof KINDS)[number];

let logins = 0;
/** A login from an address of its own, so that the limit of one address is none of this test's matter. */
async function signIn(more: object = {}, headers: Readonly<Record<string, string>> = {}) {
  const credentials = { username: 'alice', password: PASSWORD, client_id: world.clientId, ...more };
  return world.post('/api/login', credentials, headers, `192.0.2.${++logins % 250}`);
}
const ownPage = () => ({ origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' });

/** What stays what it is. */
const LASTING: Partial<Readonly<Record<Kind, () => string>>> = {
  'access token of the admin API': () => admin.token,
  'client secret': () => machine.secret,
  'secret of a resource server': () => world.api.secret,
  password: () => PASSWORD,
  'client id': () => machine.row.id,
};

/** What a login asks for, where it is not the client's own API. */
const RESOURCE_OF: Partial<Readonly<Record<Kind, () => object>>> = {
  'access token of the server': () => ({ resource: world.at.issuer }),
  'opaque access token': () => ({ client_id: opaqueClient.row.id }),
};

/** A fresh text of each kind: some places use up what they are given. */
async function textOf(kind: Kind): Promise<string> {
  const lasting = LASTING[kind];
  if (lasting !== undefined) return lasting();
  const isCookie = kind === 'refresh cookie' || kind === 'access cookie' || kind === 'CSRF token';
  const resource = RESOURCE_OF[kind]?.() ?? {};
  const { body, cookies } = await signIn(
    { ...resource, ...(isCookie ? { delivery: 'cookie' } : {}) },
    isCookie ? ownPage() : {},
  );
  const text = {
    'access token of an API': body.access_token,
    'access token of the server': body.access_token,
    'opaque access token': body.access_token,
    'refresh token': body.refresh_token,
    'refresh cookie': cookies['__Host-latchkey-refresh'],
    'access cookie': cookies['__Host-latchkey-access'],
    'CSRF token': body.csrf_token,
  };
  if (kind in text) return String(text[kind as keyof typeof text]);
  const claims = JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString());
  return claims[kind === 'family id' ? 'fid' : kind === 'session id' ? 'sid' : 'jti'];
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`,
});
const GRANT = { grant_type: 'client_credentials' };

/** Every place that takes a secret, and the one kind of secret that it takes. */
const SLOTS: Readonly<Record<string, { takes: Kind; send: (text: string) => Promise<Response> }>> = {
  'the bearer of the server': {
    takes: 'access token of the server',
    send: (text) => world.at.fetch('/api/me', { headers: { authorization: `Bearer ${text}` } }),
  },
  'the bearer of the admin API': {
    takes: 'access token of the admin API',
    send: (text) => world.at.fetch('/admin/api/accounts', { headers: { authorization: `Bearer ${text}` } }),
  },
  'the refresh token of the first-party API': {
    takes: 'refresh token',
    send: (text) => world.at.fetch('/api/refresh', jsonBody({ refresh_token: text, attempt_id: 'one' })),
  },
  'the refresh token of the token endpoint': {
    takes: 'refresh token',
    send: (text) =>
      world.at.fetch(
        '/oauth/token',
        form({ grant_type: 'refresh_token', refresh_token: text, client_id: world.clientId, attempt_id: 'one' }),
      ),
  },
  'the refresh cookie': {
    takes: 'refresh cookie',
    send: (text) => world.at.fetch('/api/me', { headers: { cookie: `__Host-latchkey-refresh=${text}` } }),
  },
  'the secret of a client': {
    takes: 'client secret',
    send: (text) => world.at.fetch('/oauth/token', form(GRANT, basic(machine.row.id, text))),
  },
  'the secret of a resource server': {
    takes: 'secret of a resource server',
    send: (text) => world.at.fetch('/oauth/introspect', form({ token: 'x' }, basic(world.api.row.id, text))),
  },
};

test.each(
  Object.entries(SLOTS).flatMap(([slot, { takes, send }]) => KINDS.map((kind) => [slot, kind, takes, send] as const)),
)('attack 8.10: %s and a %s', async (_slot, kind, takes, send) => {
  const text = await textOf(kind);
  const before = rowsOf(world.at);
  const answer = await send(text);
  await answer.body?.cancel();
  if (kind === takes) expect(answer.status).toBe(200);
  else {
    expect([400, 401]).toContain(answer.status);
    // who presents a real refresh token in the wrong way is written down
    const { audit: _, audit_subjects: _subjects, ...rows } = before;
    const { audit: _now, audit_subjects: _new, ...after } = rowsOf(world.at);
    expect(after).toEqual(rows);
  }
});
