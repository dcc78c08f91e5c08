import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { Write } from '@latchkey/domain/write';
import { makeId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { later, type TokenId } from '@latchkey/protocol/types';
import { proveCredential } from '@latchkey/server/prove/credential';
import { testClock } from '@latchkey/testkit/clock';
import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { populate, read, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator } from './admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from './refusal.ts';

const clock = testClock();
let world: World;
let api: Awaited<ReturnType<typeof addResource>>;
let appId: string;
let machine: Awaited<ReturnType<typeof addClient>>;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  const { server } = world.at;
  api = await addResource(server, { format: 'opaque' });
  const resources = [api.row.identifier];
  const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
  appId = (await addClient(server, app)).row.id;
  machine = await addClient(server, { resources });
});
afterAll(() => world.at.close());

const introspect = async (token: unknown, authorization = api.basic) => {
  const answer = await world.at.fetch('/oauth/introspect', form({ token: String(token) }, { authorization }));
  return { status: answer.status, body: await answer.json() };
};
const INACTIVE = { status: 200, body: { active: false } };
const signIn = (more: object = {}) => world.login({ client_id: appId, ...more });
const refresh = async (token: unknown) =>
  read(await world.at.fetch('/api/refresh', jsonBody({ refresh_token: String(token) })));
const asMachine = async (client = machine) =>
  read(
    await world.at.fetch('/oauth/token', form({ grant_type: 'client_credentials' }, { authorization: client.basic })),
  );
const recordOf = (jti: TokenId) => world.at.server.store.read.tokenRecord(jti);
const records = () => (rowsOf(world.at).token_records ?? []) as readonly Readonly<Record<string, unknown>>[];

/** An access token by each way that there is, and who it is about. */
const GRANTS: Readonly<Record<string, () => Promise<{ readonly token: string; readonly sub: string }>>> = {
  'a login': async () => ({ token: String((await signIn()).body.access_token), sub: world.accountId }),
  'a refresh': async () => {
    const { body } = await refresh((await signIn()).body.refresh_token);
    return { token: String(body.access_token), sub: world.accountId };
  },
  'a code': async () => {
    const client = await addRelyingParty(world, { resources: [api.row.identifier], authentication: 'none' });
    const { body } = await codeFlow(world, client, { scope: 'read', resource: api.row.identifier });
    return { token: String(body.access_token), sub: world.accountId };
  },
  'client credentials': async () => ({ token: String((await asMachine()).body.access_token), sub: machine.row.id }),
};

test.each(Object.keys(GRANTS))(
  'RSV-13, INT-05 RFC 7662 §2.2: %s gives a text that introspection explains',
  async (way) => {
    const { token, sub } = (await GRANTS[way]?.()) ?? { token: '', sub: '' };
    expect(token).toMatch(/^lk_at_[A-Za-z0-9_-]{50}$/);
    const isPerson = sub === world.accountId;
    const { status, body } = await introspect(token);
    expect([status, body]).toEqual([
      200,
      {
        active: true,
        token_type: 'Bearer',
        iss: world.at.issuer,
        sub,
        aud: api.row.audience,
        client_id: expect.stringMatching(/^cli_/),
        jti: expect.stringMatching(/^tok_/),
        iat: Math.floor(clock.now() / 1000),
        exp: Math.floor(clock.now() / 1000) + 300,
        pos: expect.stringMatching(/^\d+:\d+$/),
        scope: way === 'a code' ? 'read' : 'read write',
        ...(isPerson
          ? {
              fid: expect.stringMatching(/^fam_/),
              sid: expect.stringMatching(/^ses_/),
              auth_time: expect.any(Number),
              amr: ['pwd'],
              acr: expect.any(String),
              username: 'alice',
            }
          : {}),
      },
    ]);
  },
);

test('I4: at rest there is the hash of the random part and what the token says, and no part of its text', async () => {
  const { body } = await asMachine();
  const { jti } = (await introspect(body.access_token)).body;
  const record = await recordOf(jti);
  expect(record).toEqual({
    jti,
    opaque: { handle: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), macKeyId: 1 },
    clientId: machine.row.id,
    resourceId: api.row.id,
    status: undefined,
    claims: expect.objectContaining({ jti, sub: machine.row.id }),
    expiresAt: (record?.claims.exp ?? 0) * 1000,
  });
  const text = String(body.access_token).slice('lk_at_'.length);
  const [random, outer] = [Buffer.from(text, 'base64url').subarray(5, 21), Buffer.from(text, 'base64url').subarray(21)];
  const stored = JSON.stringify(records(), (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
  for (const secret of [random, outer])
    for (const encoding of ['hex', 'base64url'] as const) expect(stored).not.toContain(secret.toString(encoding));
});

test('INT-02, INT-03 RFC 7662 §2.2: whatever is wrong with it, an opaque token is not active, and nothing else is told', async () => {
  const { body } = await signIn();
  const token = String(body.access_token);
  const changed = (at: number) => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
  const wrong = [
    changed(6),
    changed(9),
    changed(14),
    changed(50),
    `${token}A`,
    token.slice(0, -1),
    'lk_at_',
    'lk_at_x',
  ];
  for (const text of wrong) expect([text, await introspect(text)]).toEqual([text, INACTIVE]);
  expect(await introspect(token, world.api.basic)).toEqual(INACTIVE);
  expect(await introspect(String(body.refresh_token).replace('lk_rt_', 'lk_at_'))).toEqual(INACTIVE);
  expect((await introspect(token)).body.active).toBe(true);
});

test('RSV-13: a forgery is refused by its MAC, before any row is looked for', async () => {
  const { server } = world.at;
  const token = String((await asMachine()).body.access_token);
  const context = { instance: undefined, isStrict: false };
  const looked: string[] = [];
  const spying = {
    ...server,
    store: {
      ...server.store,
      read: {
        ...server.store.read,
        tokenRecordByHandle: (...given: Parameters<typeof server.store.read.tokenRecordByHandle>) => {
          looked.push(...given);
          return server.store.read.tokenRecordByHandle(...given);
        },
      },
    },
  };
  const prove = async (text: string) => {
    const proved = await proveCredential(text, api.row, spying, context);
    return proved.ok ? 'active' : proved.error.error;
  };
  const [end, other] = [token.slice(0, -6), token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'];
  expect([await prove(end + other), looked.length]).toEqual(['opaque_token_malformed', 0]);
  const key = Buffer.from(token.slice(6), 'base64url');
  key.writeUInt32BE(9, 1);
  expect([await prove(`lk_at_${key.toString('base64url')}`), looked.length]).toEqual(['opaque_token_key_unknown', 0]);
  expect([await prove(token), looked.length]).toEqual(['active', 1]);
});

test('I1: what ends a family, a session, an account or a client ends their opaque tokens', async () => {
  const ends: readonly ((body: Readonly<Record<string, string>>) => Promise<unknown>)[] = [
    (body) => world.at.fetch('/oauth/revoke', form({ token: String(body.refresh_token), client_id: appId })),
    (body) => world.at.fetch('/api/logout', jsonBody({ refresh_token: body.refresh_token })),
  ];
  for (const end of ends) {
    const { body } = await signIn();
    expect((await introspect(body.access_token)).body.active).toBe(true);
    await end(body);
    expect(await introspect(body.access_token)).toEqual(INACTIVE);
  }
  const { server } = world.at;
  const doomed = await addClient(server, { resources: [api.row.identifier] });
  const token = (await asMachine(doomed)).body.access_token;
  expect((await introspect(token)).body.active).toBe(true);
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [{ kind: 'client.delete', id: doomed.row.id, at: now }],
    }),
  );
  expect(await introspect(token)).toEqual(INACTIVE);
});

test('I7: an opaque token is good until its last millisecond, and its row goes after it', async () => {
  const { server } = world.at;
  const { access_token: token } = (await signIn()).body;
  const { jti, exp } = (await introspect(token)).body;
  clock.advance(exp * 1000 - clock.now() - 1);
  expect((await introspect(token)).body.active).toBe(true);
  clock.advance(1);
  expect(await introspect(token)).toEqual(INACTIVE);
  expect(await proved(String(token))).toBe('token_expired');
  while ((await server.store.expire(clock.now(), 1)) > 0);
  expect([await recordOf(jti), records(), rowsOf(world.at).token_record_counts]).toEqual([undefined, [], []]);
  expect(await proved(String(token))).toBe('opaque_token_unknown');
});

async function proved(text: string): Promise<string> {
  const result = await proveCredential(text, api.row, world.at.server, { instance: undefined, isStrict: false });
  return result.ok ? 'active' : result.error.error;
}

test('an opaque token lives no longer than its family', async () => {
  const { body } = await signIn();
  const { fid } = (await introspect(body.access_token)).body;
  const end = (await world.at.server.store.read.family(fid))?.expiresAt ?? 0;
  const nearEnd = end - 100_000;
  let current = String(body.refresh_token);
  while (clock.now() < nearEnd) {
    clock.advance(Math.min(13 * 86_400_000, nearEnd - clock.now()));
    current = String((await refresh(current)).body.refresh_token);
  }
  const last = (await refresh(current)).body;
  expect([last.expires_in, (await introspect(last.access_token)).body.exp]).toEqual([100, Math.ceil(end / 1000)]);
});

test('I7: one row more than a client may have takes the place of the one that expires first', async () => {
  const { store } = world.at.server;
  const own = await addClient(world.at.server, { resources: [api.row.identifier] });
  const first = (await asMachine(own)).body.access_token;
  const { jti } = (await introspect(first)).body;
  const claims = (await recordOf(jti))?.claims;
  if (claims === undefined) throw new Error('no record');
  const write = (n: number): Write => {
    const id = makeId('tok', clock.now(), Uint8Array.of(1, 1, 1, 1, 1, 1, 1, n >> 16, (n >> 8) & 255, n & 255));
    const record: TokenRecord = {
      jti: id,
      opaque: undefined,
      clientId: own.row.id,
      resourceId: api.row.id,
      status: undefined,
      claims: { ...claims, jti: id },
      expiresAt: later(clock.now(), 600_000),
    };
    return { kind: 'token.record', record, max: LIMITS.tokenRecordsPerClientMax };
  };
  const STEP = 11_111; // nine of them are one less than all
  for (let n = 1; n < LIMITS.tokenRecordsPerClientMax; n += STEP)
    await store.transact((tx) =>
      tx.apply(
        [],
        Array.from({ length: STEP }, (_, more) => write(n + more)),
      ),
    );
  const count = () => records().filter(({ client_id }) => client_id === own.row.id).length;
  expect([count(), (await introspect(first)).body.active]).toEqual([LIMITS.tokenRecordsPerClientMax, true]);
  const another = (await asMachine(own)).body.access_token;
  expect([count(), (await introspect(another)).body.active]).toEqual([LIMITS.tokenRecordsPerClientMax, true]);
  expect(await proved(String(first))).toBe('opaque_token_unknown');
  expect((await introspect((await asMachine()).body.access_token)).body.active).toBe(true);
});

const revoke = (token: unknown, fields: Readonly<Record<string, string>>, authorization?: string, remote?: string) =>
  world.at.fetch(
    '/oauth/revoke',
    form({ token: String(token), ...fields }, authorization === undefined ? {} : { authorization }),
    remote,
  );

test('REV-02, REV-07 RFC 7009 §2.1: its client revokes an opaque token: it ends at once, by an event, and its row goes', async () => {
  const { body } = await signIn();
  const { jti } = (await introspect(body.access_token)).body;
  const strangers = await revoke(body.access_token, {}, machine.basic);
  expect(await refusalOf(world.at, strangers)).toEqual(refusedAs('token_of_other_client'));
  expect((await introspect(body.access_token)).body.active).toBe(true);
  for (const _ of ['once', 'again']) {
    const done = await revoke(body.access_token, { client_id: appId });
    expect([done.status, await done.json()]).toEqual([200, {}]);
  }
  expect([await introspect(body.access_token), await recordOf(jti)]).toEqual([INACTIVE, undefined]);
  const page = await (await world.at.fetch('/revocations', { headers: { authorization: api.basic } })).json();
  expect(page.events.filter(({ id }: { id: string }) => id === jti)).toEqual([
    expect.objectContaining({ kind: 'token', id: jti }),
  ]);
  expect((await refresh(body.refresh_token)).status).toBe(200);
});

test('REV-01 RFC 7009 §2.2: what only looks like an opaque token is no error, until there is too much of it', async () => {
  const text = String((await asMachine()).body.access_token);
  const forged = text.slice(0, -4) + (text.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  const before = rowsOf(world.at);
  const statuses: number[] = [];
  for (let n = 0; n < 121; n++) statuses.push((await revoke(forged, {}, machine.basic, '203.0.113.7')).status);
  expect([statuses.slice(0, 120).every((status) => status === 200), statuses[120]]).toEqual([true, 429]);
  expect((await revoke(forged, {}, machine.basic, '203.0.113.8')).status).toBe(200);
  expect(rowsOf(world.at)).toEqual(before);
});

test('an administrator revokes an opaque token by its text or by its jti', async () => {
  const admin = await addAdministrator(world.at);
  const [first, second] = [(await signIn()).body, (await signIn()).body];
  const { jti } = (await introspect(second.access_token)).body;
  const { id } = (await admin.post('/tokens/revoke', { credential: first.access_token })).body;
  expect([await introspect(first.access_token), await recordOf(id)]).toEqual([INACTIVE, undefined]);
  for (const result of ['ended', 'was_over'])
    expect((await admin.post('/tokens/revoke', { id: jti })).body).toEqual({ kind: 'token', id: jti, result });
  expect([await introspect(second.access_token), await recordOf(jti)]).toEqual([INACTIVE, undefined]);
});

test('an opaque token opens no endpoint of the server itself, in whatever place it stands', async () => {
  const { body } = await signIn();
  const token = String(body.access_token);
  const before = rowsOf(world.at);
  const bearer = { authorization: `Bearer ${token}` };
  const answers = [
    ...['/api/me', '/api/sessions', '/oauth/userinfo', '/admin/api/accounts'].map((path) =>
      world.at.fetch(path, { headers: bearer }),
    ),
    world.at.fetch('/api/refresh', jsonBody({ refresh_token: token })),
    world.at.fetch('/oauth/token', form({ grant_type: 'refresh_token', refresh_token: token, client_id: appId })),
    world.at.fetch('/oauth/introspect', form({ token }, bearer)),
  ];
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual([401, 401, 401, 401, 400, 400, 401]);
  expect(rowsOf(world.at)).toEqual(before);
});
