import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { rowsOf } from './refusal.ts';

let world: World;
let admin: TestAdministrator;
let machine: Awaited<ReturnType<typeof addClient>>;
let texts: Readonly<Record<Kind, string>>;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const page = { origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
  const login = (await world.login()).body;
  const own = (await world.login({ resource: world.at.issuer })).body;
  const byCookie = await world.login({ delivery: 'cookie' }, page);
  const { fid, sid, jti } = JSON.parse(
    Buffer.from(String(own.access_token).split('.')[1] ?? '', 'base64url').toString(),
  );
  texts = {
    'access token of an API': String(login.access_token),
    'access token of the server': String(own.access_token),
    'access token of the admin API': admin.token,
    'refresh token': String(login.refresh_token),
    'refresh cookie': byCookie.cookies['__Host-latchkey-refresh'] ?? '',
    'access cookie': byCookie.cookies['__Host-latchkey-access'] ?? '',
    'CSRF token': String(byCookie.body.csrf_token),
    'client secret': machine.secret,
    'secret of a resource server': world.api.secret,
    password: PASSWORD,
    'family id': fid,
    'session id': sid,
    'token id': jti,
    'client id': machine.row.id,
  };
});
afterAll(() => world.at.close());

const KINDS = [
  'access token of an API',
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
  const before = rowsOf(world.at);
  const answer = await send(texts[kind]);
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
