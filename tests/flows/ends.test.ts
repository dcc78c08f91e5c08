import type { AccountId } from '@latchkey/protocol/types';
import { testClock } from '@latchkey/testkit/clock';
import { type Answered, addAccount, PASSWORD, populate, read, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs } from './refusal.ts';

const NEW_PASSWORD = 'quite another passphrase';
const clock = testClock();
let world: World;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

/** Somebody new with a client of their own, so that one test ends nothing of another. */
interface Person {
  readonly name: string;
  readonly id: AccountId;
  readonly clientId: string;
  login(more?: object): Promise<Answered>;
}
let people = 0;
async function newPerson(): Promise<Person> {
  const name = `person${++people}`;
  const id = await addAccount(world.at.server, name);
  const client = await addClient(world.at.server, {
    authentication: 'none',
    firstParty: true,
    grantTypes: ['refresh_token'],
    resources: [world.api.row.identifier],
  });
  const clientId = client.row.id;
  const login = (more: object = {}) =>
    world.post(
      '/api/login',
      { username: name, password: PASSWORD, client_id: clientId, ...more },
      {},
      `192.0.2.${people}`,
    );
  return { name, id, clientId, login };
}

/** What ends everything of a person, or the way in. */
const ENDS: Readonly<Record<string, (person: Person) => Promise<unknown>>> = {
  'the account is disabled': ({ id }) => admin.post(`/accounts/${id}/disable`),
  'the account is disabled and enabled again': async ({ id }) => {
    await admin.post(`/accounts/${id}/disable`);
    await admin.post(`/accounts/${id}/enable`);
  },
  'an administrator sets a password': ({ id }) => admin.post(`/accounts/${id}/password`, { password: NEW_PASSWORD }),
  'the client is deleted': ({ clientId }) => admin.delete(`/clients/${clientId}`),
};
const ends = Object.entries(ENDS);

const refresh = (token: unknown) => world.at.fetch('/api/refresh', jsonBody({ refresh_token: token }));
const isActive = async (token: unknown): Promise<boolean> => {
  const asked = form({ token: String(token) }, { authorization: world.api.basic });
  return (await (await world.at.fetch('/oauth/introspect', asked)).json()).active;
};

/** Lets something happen while a password is looked at: after the proof, before the decision. */
function whileHashing(happens: () => Promise<unknown>): () => void {
  const { passwords } = world.at.server;
  const { verify } = passwords;
  Object.assign(passwords, {
    verify: async (...given: Parameters<typeof verify>) => {
      const verified = await verify(...given);
      Object.assign(passwords, { verify });
      await happens();
      return verified;
    },
  });
  return () => Object.assign(passwords, { verify });
}

/** What holds for a while only is over when it is decided: a login that comes after it is a new one. */
const lasting = ends.filter(([name]) => !name.includes('again'));

test.each(lasting)('attack 8.21: %s while the password of a login is checked: there is no login', async (_, end) => {
  const person = await newPerson();
  const restore = whileHashing(() => end(person));
  const answer = await person.login();
  restore();
  expect([answer.status, answer.body.refresh_token]).toEqual([401, undefined]);
  expect(await world.at.server.store.read.liveSessions(person.id, clock.now())).toEqual([]);
});

test.each(ends)('RT-13 ASVS 7.4, attack 8.21: %s between login and refresh: everything is over', async (_, end) => {
  const person = await newPerson();
  const { body } = await person.login();
  expect(await isActive(body.access_token)).toBe(true);
  await end(person);
  expect(await refusalOf(world.at, await refresh(body.refresh_token))).toEqual(refusedAs('refresh_token_ended'));
  expect(await isActive(body.access_token)).toBe(false);
  expect(await world.at.server.store.read.liveSessions(person.id, clock.now())).toHaveLength(
    _ === 'the client is deleted' ? 1 : 0,
  );
});

test.each(ends)(
  'attack 8.21: %s during refreshes: whatever they were answered, nothing of it lives',
  async (_, end) => {
    const person = await newPerson();
    const logins = await Promise.all(Array.from({ length: 5 }, () => person.login()));
    const [, ...answers] = await Promise.all([
      end(person),
      ...logins.map(async ({ body }) => read(await refresh(body.refresh_token))),
    ]);
    for (const { status, body } of answers) {
      expect([200, 400, 401]).toContain(status);
      if (status !== 200) continue;
      expect(await isActive(body.access_token)).toBe(false);
      expect((await refresh(body.refresh_token)).status).toBe(400);
    }
  },
);

/** What ends the session from which a password is changed. */
const OUT: Readonly<Record<string, (person: Person, sid: string) => Promise<unknown>>> = {
  ...ENDS,
  'the session is ended': (_, sid) => admin.delete(`/sessions/${sid}`),
};

test.each(
  Object.entries(OUT).flatMap(([name, out]) => [['token', name, out] as const, ['cookie', name, out] as const]),
)('attack 8.21: by %s, %s while the present password is checked: the change does not happen', async (by, _, out) => {
  const person = await newPerson();
  const headers = by === 'token' ? await byToken(person) : await byCookie(person);
  const { sid } = (await world.get('/api/me', headers)).body;
  const stored = async () => (await world.at.server.store.read.password(person.id))?.phc;
  let kept: string | undefined;
  const restore = whileHashing(async () => {
    await out(person, String(sid));
    kept = await stored();
  });
  const change = jsonBody({ current_password: PASSWORD, new_password: 'a third passphrase of some length' }, headers);
  const answer = await world.at.fetch('/api/password', change);
  restore();
  expect(await refusalOf(world.at, answer)).toEqual(
    refusedAs(by === 'token' ? 'token_revoked' : 'refresh_token_ended'),
  );
  expect([kept !== undefined, await stored()]).toEqual([true, kept]);
});

async function byToken(person: Person): Promise<Readonly<Record<string, string>>> {
  const { body } = await person.login({ resource: world.at.issuer });
  return { authorization: `Bearer ${body.access_token}` };
}

async function byCookie({ name, clientId }: Person): Promise<Readonly<Record<string, string>>> {
  const page = { origin: world.at.issuer, 'sec-fetch-site': 'same-origin', 'x-latchkey-csrf': 'login' };
  const credentials = { username: name, password: PASSWORD, client_id: clientId, delivery: 'cookie' };
  const { cookies, body } = await world.post('/api/login', credentials, page, `192.0.2.${people}`);
  const cookie = `__Host-latchkey-refresh=${cookies['__Host-latchkey-refresh']}`;
  return { ...page, cookie, 'x-latchkey-csrf': String(body.csrf_token) };
}

test.each(ends)('attack 8.21: %s: an access token opens nothing of the server any more', async (_, end) => {
  const person = await newPerson();
  const { body } = await person.login({ resource: world.at.issuer });
  const headers = { authorization: `Bearer ${body.access_token}` };
  expect((await world.get('/api/me', headers)).status).toBe(200);
  await end(person);
  for (const path of ['/api/me', '/api/sessions'])
    expect(await refusalOf(world.at, await world.at.fetch(path, { headers }))).toEqual(refusedAs('token_revoked'));
  const change = jsonBody({ current_password: PASSWORD, new_password: NEW_PASSWORD }, headers);
  expect(await refusalOf(world.at, await world.at.fetch('/api/password', change))).toEqual(refusedAs('token_revoked'));
});

test('attack 8.21: a password that is locked while it is checked opens nothing', async () => {
  const person = await newPerson();
  const fail = { kind: 'password.fail', id: person.id, at: clock.now() } as const;
  const restore = whileHashing(() =>
    world.at.server.commit(
      () => Promise.resolve(),
      () => ({ outcome: { ok: true, value: undefined }, expects: [], writes: Array.from({ length: 100 }, () => fail) }),
    ),
  );
  const answer = await person.login();
  restore();
  expect([answer.status, answer.body.error]).toEqual([401, 'invalid_credentials']);
});

test('attack 8.21: a machine whose client is deleted while it asks gets nothing that lives', async () => {
  const machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const ask = () =>
    world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, { authorization: machine.basic }));
  const asked = Array.from({ length: 10 }, ask);
  await admin.delete(`/clients/${machine.row.id}`);
  for (const answer of await Promise.all(asked)) {
    const { access_token: token } = await answer.json();
    if (answer.status === 200) expect(await isActive(token)).toBe(false);
  }
  expect(await refusalOf(world.at, await ask())).toEqual(refusedAs('client_deleted'));
});

test("RT-13 ASVS 7.4: a logout, an ended session and one of one's own ends each end the refresh token", async () => {
  const person = await newPerson();
  const sidOf = ({ body }: Answered) =>
    JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString()).sid;
  const own = await person.login({ resource: world.at.issuer });
  const headers = { authorization: `Bearer ${own.body.access_token}` };
  const waysOut: readonly ((login: Answered) => Promise<unknown>)[] = [
    ({ body }) => world.post('/api/logout', { refresh_token: body.refresh_token }),
    (login) => admin.delete(`/sessions/${sidOf(login)}`),
    (login) => world.at.fetch(`/api/sessions/${sidOf(login)}`, { method: 'DELETE', headers }),
    ({ body }) =>
      world.at.fetch('/oauth/revoke', form({ token: String(body.refresh_token), client_id: person.clientId })),
    ({ body }) => admin.post('/tokens/revoke', { credential: String(body.refresh_token) }),
    () => world.post('/api/password', { current_password: PASSWORD, new_password: NEW_PASSWORD }, headers),
  ];
  for (const leave of waysOut) {
    const login = await person.login();
    await leave(login);
    expect(await refusalOf(world.at, await refresh(login.body.refresh_token))).toEqual(
      refusedAs('refresh_token_ended'),
    );
  }
  expect((await refresh(own.body.refresh_token)).status).toBe(200);
});

test('REV-05 RFC 7009 §2.1, ASVS 10.4.10: who revokes proves to be the client, or names it where it is public', async () => {
  const machine = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  const token = async () => {
    const asked = form({ grant_type: 'client_credentials' }, { authorization: machine.basic });
    return (await (await world.at.fetch('/oauth/token', asked)).json()).access_token as string;
  };
  const mine = await token();
  const wrong = `Basic ${Buffer.from(`${machine.row.id}:wrong`).toString('base64')}`;
  for (const [fields, headers, cause] of [
    [{}, {}, 'client_authentication_missing'],
    [{ client_id: machine.row.id }, {}, 'client_authentication_missing'],
    [{ client_id: machine.row.id, client_secret: machine.secret }, {}, 'client_method_wrong'],
    [{}, { authorization: wrong }, 'client_secret_wrong'],
    [{ client_id: 'cli_00000000000000000000000000' }, {}, 'client_unknown'],
  ] as const)
    expect(
      await refusalOf(world.at, await world.at.fetch('/oauth/revoke', form({ token: mine, ...fields }, headers))),
    ).toEqual(refusedAs(cause));
  expect(await isActive(mine)).toBe(true);
  const done = await world.at.fetch('/oauth/revoke', form({ token: mine }, { authorization: machine.basic }));
  expect([done.status, await isActive(mine)]).toEqual([200, false]);
});

test('REV-07 RFC 7009 §3: a token that is revoked early is seen by the next introspection, and stands in the feed', async () => {
  const person = await newPerson();
  for (let round = 0; round < 10; round++) {
    const { body } = await person.login();
    expect(await isActive(body.access_token)).toBe(true);
    const { jti } = JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString());
    const asked = form({ token: String(body.access_token), client_id: person.clientId });
    expect((await world.at.fetch('/oauth/revoke', asked)).status).toBe(200);
    expect(await isActive(body.access_token)).toBe(false);
    const page = await world.at.fetch('/revocations', { headers: { authorization: world.api.basic } });
    const { events } = await page.json();
    expect(events.at(-1)).toMatchObject({ kind: 'token', id: jti });
  }
});
