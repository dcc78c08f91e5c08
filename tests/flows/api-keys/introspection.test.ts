import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { Write } from '@latchkey/domain/write';
import { makeId } from '@latchkey/protocol/ids';
import { later, seconds } from '@latchkey/protocol/types';
import { proveCredential } from '@latchkey/server/prove/credential';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, expect, test } from 'vitest';

const clock = testClock();
let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
});
afterAll(() => world.at.close());

const introspect = async (token: string, authorization = world.api.basic) => {
  const answer = await world.at.fetch('/oauth/introspect', form({ token }, { authorization }));
  return { status: answer.status, body: await answer.json() };
};
const INACTIVE = { status: 200, body: { active: false } };
const addKey = (more: Partial<ApiKey> = {}) =>
  addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, ...more });
const commit = (writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => ({ outcome: { ok: true, value: undefined }, expects: [], writes }),
  );

test('APK-03: introspection says what a key of an account allows, and on which terms', async () => {
  const resource = world.api.row.identifier;
  await commit([{ kind: 'role.grant', role: { accountId: world.accountId, resource, role: 'clerk' } }]);
  const { row, text } = await addKey({
    scope: ['read', 'forgotten'],
    tenant: 'north',
    networks: ['192.0.2.0/24'],
    environment: 'test',
  });
  const { position } = await world.at.server.store.read.moment();
  expect(await introspect(text)).toEqual({
    status: 200,
    body: {
      active: true,
      token_type: 'Bearer',
      iss: world.at.issuer,
      sub: world.accountId,
      client_id: row.id,
      aud: world.api.row.audience,
      jti: row.id,
      api_key: row.id,
      iat: seconds(row.createdAt),
      exp: Math.ceil(row.expiresAt / 1000),
      pos: `${position.epoch}:${position.seq}`,
      scope: 'read',
      roles: ['clerk'],
      org_id: 'north',
      terms: { environment: 'test', networks: ['192.0.2.0/24'] },
    },
  });
  await commit([{ kind: 'role.revoke', role: { accountId: world.accountId, resource, role: 'clerk' } }]);
  expect((await introspect(text)).body.roles).toBe(undefined);
});

test('a key of an account has what the roles of the account add up to, and its organisation', async () => {
  const permissions = { clerk: ['file', 'read'], chief: ['hire', 'read'] };
  const api = await addResource(world.at.server, { permissions });
  const roles = ['clerk', 'chief'].map((role) => ({ accountId: world.accountId, resource: api.row.identifier, role }));
  const metadata = { accountId: world.accountId, version: 1, tenant: 'south', values: {} };
  await commit([
    ...roles.map((role): Write => ({ kind: 'role.grant', role })),
    { kind: 'account_metadata.set', metadata },
  ]);
  const { text } = await addKey({ resource: api.row.identifier });
  const told = { permissions: ['file', 'hire', 'read'], org_id: 'south' };
  expect((await introspect(text, api.basic)).body).toMatchObject(told);
  await commit([{ kind: 'account_metadata.set', metadata: { ...metadata, version: 2, tenant: undefined } }]);
  expect((await introspect(text, api.basic)).body.org_id).toBe(undefined);
});

test('a key of a client acts for the client', async () => {
  const client = await addClient(world.at.server);
  const { text } = await addKey({ owner: client.row.id, scope: [] });
  const { body } = await introspect(text);
  expect(body).toMatchObject({ active: true, sub: client.row.id, client_id: client.row.id });
  expect(body.scope).toBe(undefined);
  await commit([{ kind: 'client.delete', id: client.row.id, at: clock.now() }]);
  expect(await introspect(text)).toEqual(INACTIVE);
});

test('APK-02, APK-04, attack 6: whatever is wrong with a key, the answer is the same', async () => {
  const { row, text } = await addKey();
  const unknown = encodeApiKey(makeId('key', clock.now(), world.at.server.entropy(10)), 'live', new Uint8Array(32));
  const wrong = encodeApiKey(row.id, 'live', new Uint8Array(32).fill(9));
  const ended = await addKey();
  await commit([{ kind: 'api_key.end', id: ended.row.id, ended: { at: clock.now(), reason: 'leaked', by: 'server' } }]);
  const expired = await addKey({ expiresAt: later(clock.now(), -1) });
  const texts = ['lk_live_', 'null', ' ', text.slice(0, -1), `${text} `, `${text.slice(0, -1)}_`, text.toUpperCase()];
  for (const bad of [...texts, unknown, wrong, ended.text, expired.text])
    expect([bad, await introspect(bad)]).toEqual([bad, INACTIVE]);
  expect((await introspect(text)).body.active).toBe(true);
});

test('a key is good for its own resource only', async () => {
  const other = await addResource(world.at.server);
  const { text } = await addKey();
  expect(await introspect(text, other.basic)).toEqual(INACTIVE);
  const context = { instance: undefined, isStrict: false };
  const proved = await proveCredential(text, other.row, world.at.server, context);
  expect(proved).toEqual({ ok: false, error: { error: 'api_key_of_other_resource' } });
});

test('APK-06 ASVS 7.4.2: a disabled account has no keys, from the same request on', async () => {
  const { text } = await addKey();
  expect((await introspect(text)).body.active).toBe(true);
  await commit([{ kind: 'account.disable', id: world.accountId, at: clock.now() }]);
  expect(await introspect(text)).toEqual(INACTIVE);
  await commit([{ kind: 'account.enable', id: world.accountId }]);
});
