import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { allow } from '@latchkey/domain/decision';
import { makeId } from '@latchkey/protocol/ids';
import { milliseconds, seconds } from '@latchkey/protocol/types';
import { recordToken } from '@latchkey/server/mint/token-record';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { addResource } from '@latchkey/testkit/test-server';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { encodeOpaqueToken, OPAQUE_RANDOM_BYTES, opaqueHandle } from '@latchkey/tokens/formats/opaque-token';
import { type ApiWorld, partsOf } from './api.ts';

/** The kinds of credential that an API takes as they come. */
export const KINDS = ['JWT', 'opaque token', 'API key'] as const;
export type Kind = (typeof KINDS)[number];

/** What is wrong with a credential, or nothing. */
export const STATES = ['good', 'expired', 'ended', 'of another API', 'cut short', 'forged', 'made up'] as const;
export type State = (typeof STATES)[number];

export type Credentials = Readonly<Record<Kind, Readonly<Record<State, string>>>>;

/** Credentials of a person who has the scope `read`, no role and no permission: each kind in each state. */
export async function credentialsOf(world: ApiWorld): Promise<Credentials> {
  const other = await addResource(world.at.server);
  return {
    JWT: await jwts(world, other.row.audience),
    'opaque token': await opaqueTokens(world, other),
    'API key': await apiKeys(world, other.row.identifier),
  };
}

/** A token of a login that goes on, or of one that is over. */
async function tokenOf(world: ApiWorld, isOver: boolean): Promise<string> {
  const { access_token: token = '', refresh_token } = (await world.login({ scope: 'read' })).body;
  if (isOver) await world.post('/api/logout', { client_id: world.clientId, refresh_token });
  return token;
}

/** The same text with other characters at its end, where the signature or the secret stands. */
const forged = (text: string): string => text.slice(0, -6) + (text.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA');

async function jwts(world: ApiWorld, otherAudience: string): Promise<Credentials['JWT']> {
  const good = await tokenOf(world, false);
  const { claims } = partsOf(good);
  const now = Math.floor(world.at.server.now() / 1000);
  return {
    good,
    expired: await world.sign({ ...claims, iat: now - 600, exp: now - 300 }),
    ended: await tokenOf(world, true),
    'of another API': await world.sign({ ...claims, aud: otherAudience }),
    'cut short': good.slice(0, good.lastIndexOf('.')),
    forged: forged(good),
    'made up': 'e30.e30.AAAA',
  };
}

async function opaqueTokens(
  world: ApiWorld,
  other: Awaited<ReturnType<typeof addResource>>,
): Promise<Credentials['opaque token']> {
  const { server, secrets } = world.at;
  const { catalogue } = await server.store.read.moment();
  const { id: keyId, key } = (await server.keys.at(catalogue)).macKey;
  async function made(of: string, change: object, resource = world.api.row): Promise<string> {
    const jti = makeId('tok', server.now(), server.entropy(10));
    const claims = { ...partsOf(of).claims, jti, aud: resource.audience, ...change };
    const random = server.entropy(OPAQUE_RANDOM_BYTES);
    const record = { jti, clientId: world.clientId, resourceId: resource.id, status: undefined, claims };
    const opaque = { handle: opaqueHandle(random), macKeyId: keyId };
    await recordToken({ ...record, opaque, expiresAt: milliseconds(claims.exp) }, server);
    const text = encodeOpaqueToken({ keyId, random }, key);
    secrets.add('opaque token', text);
    return text;
  }
  const [current, over] = [await tokenOf(world, false), await tokenOf(world, true)];
  const now = seconds(server.now());
  const good = await made(current, {});
  return {
    good,
    expired: await made(current, { iat: now - 600, exp: now - 300 }),
    ended: await made(over, {}),
    'of another API': await made(current, {}, other.row),
    'cut short': good.slice(0, -1),
    forged: forged(good),
    'made up': encodeOpaqueToken({ keyId, random: server.entropy(OPAQUE_RANDOM_BYTES) }, key),
  };
}

async function apiKeys(world: ApiWorld, other: ApiKey['resource']): Promise<Credentials['API key']> {
  const { server } = world.at;
  const now = server.now();
  const add = (more: Partial<ApiKey> = {}) =>
    addApiKey(world.at, { owner: world.accountId, resource: world.api.row.identifier, scope: ['read'], ...more });
  const { text: good, row } = await add();
  const ended = await add();
  const end = { kind: 'api_key.end', id: ended.row.id } as const;
  await server.commit(
    () => Promise.resolve(),
    () => allow(undefined, [{ ...end, ended: { at: now, reason: 'ended_by_administrator', by: 'server' } }]),
  );
  return {
    good,
    expired: (await add({ expiresAt: milliseconds(seconds(now)) })).text,
    ended: ended.text,
    'of another API': (await add({ resource: other })).text,
    'cut short': good.slice(0, -1),
    forged: encodeApiKey(row.id, 'live', server.entropy(32)),
    'made up': encodeApiKey(makeId('key', now, server.entropy(10)), 'live', server.entropy(32)),
  };
}
