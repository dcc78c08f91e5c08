import type { Client } from '@latchkey/domain/clients/client';
import { makeId } from '@latchkey/protocol/ids';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { secretHash } from '@latchkey/server/prove/secret';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import type { Verifier } from '@latchkey/verifier';
import { createVerifier } from '@latchkey/verifier';
import { BEGINNING, createWallClock, simulatedTimers, type WallClock } from './clock.ts';
import { type CredentialRecord, type CredentialWatch, watchCredentials } from './credential-rules.ts';
import { createDatabase, type Database } from './database.ts';
import { API, CLIENTS, ISSUER, QUIET, RESOURCE_SECRET } from './deployment.ts';
import type { Fault } from './faults.ts';
import { createFeedLine } from './feed-line.ts';
import { createObserver, type Observer } from './invariants.ts';
import { createNetwork, type Network } from './network.ts';
import { createServerNode, type ServerNode } from './node.ts';
import type { Random } from './random.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import type { Policy } from './verifier-rules.ts';

/** A server, three APIs behind their verifiers, and every credential that was given out. */
export interface CredentialWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clock: WallClock;
  readonly database: Database;
  readonly node: ServerNode;
  readonly network: Network;
  readonly observer: Observer;
  readonly apis: readonly CredentialApi[];
  readonly records: CredentialRecord[];
  /** When accounts were enabled again; no number while they are disabled. Keys that began meanwhile may be over too. */
  readonly disabled: Map<string, number>;
  note(who: string, what: string): void;
}

/** An API whose verifier takes tokens of every kind. */
export interface CredentialApi {
  readonly name: string;
  use(record: CredentialRecord): Promise<void>;
  /** Streams of the feed break, and for so long there is no new one; all else comes through. */
  deafen(milliseconds: number): void;
  /** For so long nothing comes through. */
  block(milliseconds: number): void;
  cut(): void;
  /** The process ends, as it should or at once, and another begins. */
  restart(isOrderly: boolean): void;
  close(): void;
}

export const MACHINE_SECRET = 'lk_cs_of_the_machine';
const born = BEGINNING as EpochMilliseconds;
export const MACHINE: Client = {
  ...CLIENTS.backend,
  id: makeId('cli', born, new Uint8Array(10).fill(7)),
  name: 'machine',
  grantTypes: ['client_credentials'],
  scope: ['read', 'write'],
};
/** Shorter than a history, so that tokens expire in it. */
export const TOKEN_SECONDS = 90;
/** The API of the simulation, as it gives out tokens of this format. */
export const apiOf = (format: 'jwt' | 'opaque', version: number) => ({
  ...API,
  version,
  scope: ['read', 'write'],
  accessTokenSeconds: TOKEN_SECONDS,
  format,
});

const FIRST = await (async () => {
  const store = createMemoryStore({ now: () => born });
  store.restore(QUIET.state);
  const id = makeId('sec', born, new Uint8Array(10).fill(7));
  const secret = { id, owner: MACHINE.id, hash: secretHash(MACHINE_SECRET), createdAt: born, expiresAt: undefined };
  await store.transact((tx) =>
    tx.apply(
      [],
      [
        { kind: 'resource.update', resource: apiOf('jwt', 2) },
        { kind: 'client.create', client: MACHINE },
        { kind: 'secret.add', secret },
      ],
    ),
  );
  return store.committed;
})();

const POLICIES = ['introspect', 'introspect', 'reject', 'accept'] as const;

export function createCredentialWorld(random: Random, trace: string[], fault: Fault | undefined): CredentialWorld {
  const scheduler = createScheduler();
  const note: CredentialWorld['note'] = (who, what) =>
    void trace.push(`${(scheduler.now() / 1000).toFixed(3)} ${who}: ${what}`);
  const observer = createObserver(scheduler, (line) => note('observer', line));
  const clock = createWallClock(scheduler);
  const database = createDatabase({ scheduler, random, clock, first: FIRST, onCommit() {} });
  const node = createServerNode({ scheduler, random, clock, database, fault, overlapMilliseconds: 10_000 });
  const network = createNetwork(scheduler, random, () => node, random.pick([0, 0.1]));
  const apis: CredentialApi[] = [];
  const records: CredentialRecord[] = [];
  const parts = { scheduler, random, clock, database, node, network, observer };
  const world: CredentialWorld = { ...parts, apis, records, disabled: new Map(), note };
  for (const number of [1, 2, 3]) apis.push(startApi(world, `api${number}`));
  return world;
}

function startApi(world: CredentialWorld, name: string): CredentialApi {
  const { scheduler, random, network, observer, node, clock, records, note } = world;
  const seconds = 5 + random.below(6);
  const policy: Policy = { onStale: random.pick(POLICIES), staleAfter: seconds * 1000, acceptFor: 20_000 };
  const isStrict = random.chance(0.15);
  let deafUntil = 0;

  /** One process: what it has asked for and what it hears ends with it. */
  function begin() {
    const watch: CredentialWatch = watchCredentials(name, policy, observer);
    let isAlive = true;
    const line = createFeedLine({
      scheduler,
      network,
      node: () => node,
      delivered: watch.delivered,
      introspects: (text) => watch.introspects(records.find((one) => one.text === text)),
    });
    const verifier: Verifier = createVerifier({
      issuer: ISSUER,
      audience: API.audience,
      credentials: { id: API.id, secret: RESOURCE_SECRET },
      onStale: policy.onStale,
      maxStalenessSeconds: seconds,
      maxAcceptSeconds: policy.acceptFor / 1000,
      leewaySeconds: 0,
      apiKeys: { strict: isStrict },
      name,
      async fetch(input, init) {
        if (!isAlive) throw new TypeError('the process is dead');
        const isDeaf = String(input).endsWith('/revocations') && scheduler.now() < deafUntil;
        if (isDeaf) throw new TypeError('there is no feed');
        const answer = await line.fetch(input, init);
        if (answer.headers.get('content-type') !== 'text/event-stream' && network.isLost())
          throw new TypeError('the answer is lost');
        return answer;
      },
      now: clock.now,
      monotonic: scheduler.now,
      random: random.next,
      timers: simulatedTimers(scheduler),
    });
    return {
      watch,
      line,
      verifier,
      end(isOrderly: boolean) {
        if (isOrderly) verifier.close();
        isAlive = isOrderly;
        line.cut();
        verifier.close();
      },
    };
  }
  let process = begin();

  return {
    name,
    async use(record) {
      const { watch, verifier } = process;
      const found = watch.verifies(record);
      const result = verifier.verifyNow(record.text) ?? (await verifier.verify(record.text));
      found(result);
      note(name, `${record.label} → ${result.ok ? (result.value.stale ? 'stale' : 'ok') : result.error}`);
    },
    deafen(milliseconds) {
      deafUntil = scheduler.now() + milliseconds;
      process.line.cut();
    },
    block: (milliseconds) => process.line.block(milliseconds),
    cut: () => process.line.cut(),
    restart(isOrderly) {
      process.end(isOrderly);
      process = begin();
    },
    close: () => process.end(false),
  };
}
