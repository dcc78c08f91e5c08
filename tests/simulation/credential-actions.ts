import {
  decideDisableAccount,
  decideEnableAccount,
  loadDisableAccount,
  loadEnableAccount,
} from '@latchkey/domain/accounts/disable-account';
import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { decideEndApiKey } from '@latchkey/domain/api-keys/end-api-key';
import { decideRotateApiKey, loadOwnedApiKey } from '@latchkey/domain/api-keys/rotate-api-key';
import { decideUpdateApiKey, loadUpdateApiKey } from '@latchkey/domain/api-keys/update-api-key';
import { allow } from '@latchkey/domain/decision';
import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { later } from '@latchkey/protocol/types';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { secretHash } from '@latchkey/server/prove/secret';
import { encodeApiKey, parseApiKey } from '@latchkey/tokens/formats/api-key';
import { type CredentialRecord, type KeyRecord, trueTime } from './credential-rules.ts';
import { apiOf, type CredentialWorld, MACHINE, MACHINE_SECRET, TOKEN_SECONDS } from './credential-world.ts';
import { API, accountOf, ISSUER, PEOPLE } from './deployment.ts';

const administrator = { id: 'cli_admin', scope: [] };
const adminApi = adminApiOf(ISSUER);
const OVERLAPS = [0, 5, 30] as const;

const form = (path: string, fields: Readonly<Record<string, string>>) =>
  new Request(`${ISSUER}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${MACHINE.id}:${MACHINE_SECRET}`).toString('base64')}`,
    },
    body: new URLSearchParams(fields).toString(),
  });

/** A token for the API, which makes JWTs or opaque ones just then. */
async function issueToken({ random, node, network, records, observer }: CredentialWorld): Promise<void> {
  if (random.chance(0.5)) {
    await node.server.commit(
      (read) => read.resource(API.identifier),
      (now) => {
        const format = now?.format === 'jwt' ? 'opaque' : 'jwt';
        return allow(undefined, [{ kind: 'resource.update', resource: apiOf(format, (now?.version ?? 0) + 1) }]);
      },
    );
  }
  const reply = await network.ask(form('/oauth/token', { grant_type: 'client_credentials' }));
  const text = reply?.body.access_token;
  if (typeof text !== 'string') return;
  const kind = text.startsWith('lk_at_') ? 'opaque' : 'jwt';
  const expiresAt = observer.now() + TOKEN_SECONDS * 1000;
  records.push({
    label: `${kind}${records.length}`,
    kind,
    text,
    key: undefined,
    expiresAt,
    isTouched: false,
    end: undefined,
  });
}

const newSecret = (id: ApiKey['id'], random: CredentialWorld['random']) => {
  const text = encodeApiKey(id, 'live', random.bytes(32));
  const parts = parseApiKey(text);
  if (!parts.ok) throw new Error('the key cannot be made');
  return { text, hash: secretHash(parts.value.secret) };
};

function addKeyRecord({ records }: CredentialWorld, text: string, key: KeyRecord, expiresAt: number): void {
  const label = `${key.id.slice(-4)}.${records.length}`;
  records.push({ label, kind: 'api_key', text, key, expiresAt, isTouched: false, end: undefined });
}

async function issueKey(world: CredentialWorld): Promise<void> {
  const { random, node } = world;
  const owner = random.chance(0.8) ? accountOf(random.pick(PEOPLE)) : MACHINE.id;
  const id = makeId('key', node.server.now(), random.bytes(10));
  const secret = newSecret(id, random);
  const disabledBefore = world.disabled.get(owner);
  const uses = random.chance(0.7) ? 3 + random.below(40) : undefined;
  const seconds = random.chance(0.3) ? 20 + random.below(60) : 86_400;
  const { outcome } = await node.server.commit(
    () => Promise.resolve(),
    (_, { now, position }) => {
      const key: ApiKey = {
        id,
        owner,
        resource: API.identifier,
        version: 1,
        environment: 'live',
        name: 'Import',
        scope: ['read', 'write'],
        tenant: undefined,
        networks: [],
        quota: uses === undefined ? undefined : { uses, period: 'month' },
        rate: undefined,
        metadata: {},
        secretHash: secret.hash,
        previous: undefined,
        createdAt: now,
        expiresAt: later(now, seconds * 1000),
        pos: position,
        ended: undefined,
      };
      return allow(key, [{ kind: 'api_key.create', key }]);
    },
  );
  if (!outcome.ok || world.disabled.get(owner) !== disabledBefore) return;
  const key: KeyRecord = { id, owner, quota: uses, uses: 0, narrowedAt: Number.POSITIVE_INFINITY };
  addKeyRecord(world, secret.text, key, trueTime(outcome.value.expiresAt));
}

/** Notes that some credentials end, and since when it is certain. */
function ending({ observer, note }: CredentialWorld, what: string, ended: readonly CredentialRecord[]) {
  for (const record of ended) record.isTouched = true;
  return (from: number): void => {
    note('admin', `${what} is done`);
    for (const record of ended) record.end ??= { what, from, answeredAt: observer.now() };
  };
}

async function revokeToken(world: CredentialWorld): Promise<void> {
  const { random, records, network } = world;
  const tokens = records.filter(({ key }) => key === undefined);
  if (tokens.length === 0) return;
  const record = random.pick(tokens);
  const answered = ending(world, `revoke ${record.label}`, [record]);
  const reply = await network.ask(form('/oauth/revoke', { token: record.text }));
  if (reply?.status === 200) answered(0);
}

const keysOf = ({ records }: CredentialWorld) => records.filter(({ key }) => key !== undefined);
const textsOf = (world: CredentialWorld, { id }: KeyRecord) => keysOf(world).filter(({ key }) => key?.id === id);

function anyKey(world: CredentialWorld): { readonly key: KeyRecord; readonly id: ApiKey['id'] } | undefined {
  const keys = keysOf(world);
  const key = keys.length === 0 ? undefined : world.random.pick(keys).key;
  const id = parseId('key', key?.id ?? '');
  return key === undefined || id === undefined ? undefined : { key, id };
}

async function endKey(world: CredentialWorld): Promise<void> {
  const found = anyKey(world);
  if (found === undefined) return;
  const { key, id } = found;
  const answered = ending(world, `end ${key.id.slice(-4)}`, textsOf(world, key));
  const { outcome } = await world.node.server.commit(
    (read, moment) => loadOwnedApiKey(read, { id }, moment),
    (facts, moment) => decideEndApiKey(facts, { id, by: 'cli_admin', language: undefined }, moment),
  );
  if (outcome.ok) answered(0);
}

async function rotateKey(world: CredentialWorld): Promise<void> {
  const found = anyKey(world);
  if (found === undefined) return;
  const { key, id } = found;
  const before = textsOf(world, key);
  const secret = newSecret(id, world.random);
  const overlapSeconds = world.random.pick(OVERLAPS);
  const command = { administrator, id, secretHash: secret.hash, overlapSeconds, adminApi, language: undefined };
  const answered = ending(world, `rotate ${key.id.slice(-4)} with ${overlapSeconds} s`, before);
  const { outcome } = await world.node.server.commit(
    (read, moment) => loadOwnedApiKey(read, { id }, moment),
    (facts, moment) => decideRotateApiKey(facts, command, moment),
  );
  if (!outcome.ok) return;
  answered(world.observer.now() + overlapSeconds * 1000 + 1_000);
  addKeyRecord(world, secret.text, key, trueTime(outcome.value.expiresAt));
}

async function narrowKey(world: CredentialWorld): Promise<void> {
  const found = anyKey(world);
  if (found === undefined) return;
  const { key, id } = found;
  const command = { administrator, id, changes: { scope: ['read'] }, adminApi };
  const { outcome } = await world.node.server.commit(
    (read, moment) => loadUpdateApiKey(read, command, moment),
    (facts, moment) => decideUpdateApiKey(facts, command, moment),
  );
  if (outcome.ok) key.narrowedAt = Math.min(key.narrowedAt, world.observer.now());
}

/** The keys of an account that is disabled are over, and stay so when it is enabled again. */
async function disableOwner(world: CredentialWorld): Promise<void> {
  const { random, node, scheduler, disabled } = world;
  const command = { administrator, id: accountOf(random.pick(PEOPLE)), adminApi };
  const owned = keysOf(world).filter(({ key }) => key?.owner === command.id);
  const answered = ending(world, `disable ${command.id}`, owned);
  disabled.set(command.id, Number.NaN);
  try {
    const { outcome } = await node.server.commit(
      (read, moment) => loadDisableAccount(read, command, moment),
      (facts, moment) => decideDisableAccount(facts, command, moment),
    );
    if (outcome.ok) answered(0);
    await scheduler.sleep(random.below(4_000));
  } finally {
    await enable(world, command);
    disabled.set(command.id, scheduler.now());
  }
}

async function enable(world: CredentialWorld, command: Parameters<typeof loadEnableAccount>[1]): Promise<void> {
  for (;;) {
    try {
      await world.node.server.commit(
        (read) => loadEnableAccount(read, command),
        (facts, moment) => decideEnableAccount(facts, { administrator, ...command, adminApi }, moment),
      );
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await world.scheduler.sleep(500);
    }
  }
}

const ISSUES = [issueToken, issueToken, issueKey] as const;
const ENDS = [revokeToken, revokeToken, endKey, rotateKey, rotateKey, narrowKey, disableOwner] as const;

/** Does one of these now and then, as long as the server is there for it. */
const nowAndThen =
  (pause: number, actions: readonly ((world: CredentialWorld) => Promise<void>)[]) =>
  async (world: CredentialWorld): Promise<void> => {
    for (;;) {
      await world.scheduler.sleep(world.random.below(pause));
      try {
        if (world.node.isUp) await world.random.pick(actions)(world);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
  };

export const runIssuer = nowAndThen(6_000, ISSUES);
export const runEnder = nowAndThen(12_000, ENDS);

const PAUSE = 1_500;

/** Uses what there is, at any of the APIs, now and then many at once. */
export async function runHolder(world: CredentialWorld): Promise<void> {
  const { random, scheduler, records, apis } = world;
  for (;;) {
    await scheduler.sleep(random.below(PAUSE));
    if (records.length === 0) continue;
    // of late ones there is most to find out
    const record = random.pick(random.chance(0.7) ? records.slice(-8) : records);
    const api = random.pick(apis);
    await Promise.all(Array.from({ length: random.chance(0.2) ? 6 : 1 }, () => api.use(record)));
  }
}

/** What happens to machines and lines. */
export async function runCredentialWeather(world: CredentialWorld): Promise<void> {
  const { random, scheduler, node, apis, database, note } = world;
  for (;;) {
    await scheduler.sleep(random.below(15_000));
    const api = random.pick(apis);
    const long = random.below(random.chance(0.4) ? 110_000 : 12_000);
    switch (random.below(8)) {
      case 0:
        note('node', 'dies');
        node.crash();
        for (const one of apis) one.cut();
        await scheduler.sleep(200 + random.below(4_000));
        await node.start();
        note('node', 'starts');
        break;
      case 1:
        note('disk', `away for a while, then slow`);
        database.fail(random.below(3_000));
        database.stall(random.below(20_000));
        break;
      case 2:
        note(api.name, `is deaf for ${long} ms`);
        api.deafen(long);
        break;
      case 3:
        note(api.name, `has no way to the server for ${long} ms`);
        api.block(long);
        break;
      case 4:
        api.cut();
        break;
      default: {
        const isOrderly = random.chance(0.5);
        note(api.name, isOrderly ? 'restarts' : 'is killed, and starts');
        api.restart(isOrderly);
      }
    }
  }
}
