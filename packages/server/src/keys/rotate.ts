import { decideRotation, loadRing, type RingState, type RotationCommand } from '@latchkey/domain/keys/rotation';
import type { ErrorId } from '@latchkey/protocol/errors';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Result } from '@latchkey/protocol/result';
import type { ClientId } from '@latchkey/protocol/types';
import { generateSigningKey } from '@latchkey/tokens/keys/generate';
import { macKeyPlace, signingKeyPlace } from '../seal/places.ts';
import type { Server } from '../server.ts';

type Part = Pick<Server, 'store' | 'seal' | 'commit' | 'entropy' | 'settings'>;
export type RotationAction =
  | { readonly action: 'keep' }
  | { readonly action: 'rotate' }
  | { readonly action: 'revoke'; readonly kid: string; readonly all: boolean };

/** Makes and seals new keys, then lets the ring's decision take what it needs of them. */
export async function rotateRing(
  server: Part,
  algorithm: SigningAlgorithm,
  action: RotationAction,
  actor: string,
): Promise<Result<RingState, ErrorId>> {
  const ring = await loadRing(server.store.read, { algorithm });
  const isComplete = ring.some(({ state }) => state === 'current') && ring.some(({ state }) => state === 'next');
  const needed = action.action === 'keep' && isComplete && !(await isRotationNear(server, ring)) ? 0 : 2;
  const candidates = await Promise.all(Array.from({ length: needed }, () => makeCandidate(server, algorithm)));
  const command: RotationCommand = {
    algorithm,
    candidates,
    actor,
    ...(action.action === 'keep' ? { ...action, rotationDays: server.settings.keyRotationDays } : action),
  };
  const { outcome } = await server.commit(
    (read) => loadRing(read, command),
    (facts, moment) => decideRotation(facts, command, moment),
  );
  return outcome;
}

/** New keys are made only when the schedule may want them within the next hour. */
async function isRotationNear(server: Part, ring: Awaited<ReturnType<typeof loadRing>>): Promise<boolean> {
  const { now } = await server.store.read.moment();
  const current = ring.find(({ state }) => state === 'current');
  return current !== undefined && now >= current.since + server.settings.keyRotationDays * 86_400_000 - 3_600_000;
}

async function makeCandidate(server: Part, algorithm: SigningAlgorithm) {
  const { jwk, pkcs8 } = await generateSigningKey(algorithm);
  return { kid: jwk.kid, jwk, sealedPrivate: server.seal.seal(signingKeyPlace(jwk.kid), pkcs8) };
}

/** What the default key set holds: every verifier knows these. */
const EVERYWHERE: readonly SigningAlgorithm[] = ['ES256', 'RS256'];

/** The algorithms of the key set: what the default set holds, and what a resource or a client wants beyond. */
export async function algorithmsInUse(server: Part): Promise<readonly SigningAlgorithm[]> {
  const resources = await server.store.read.resources({ after: undefined, limit: 10_000 });
  const wanted = new Set<string>(resources.map(({ algorithm }) => algorithm));
  for await (const algorithm of algorithmsOfClients(server)) wanted.add(algorithm);
  return SIGNING_ALGORITHMS.filter((algorithm) => EVERYWHERE.includes(algorithm) || wanted.has(algorithm));
}

async function* algorithmsOfClients({ store }: Part): AsyncGenerator<SigningAlgorithm> {
  for (let after: ClientId | undefined; ; ) {
    const page = await store.read.clients({ after, limit: LIMITS.pageRowsMax });
    for (const { idTokenAlgorithm } of page) yield idTokenAlgorithm;
    if (page.length < LIMITS.pageRowsMax) return;
    after = page.at(-1)?.id;
  }
}

/** Keeps every ring on its schedule, and makes the first MAC key. */
export async function keepRings(server: Part): Promise<void> {
  await ensureMacKey(server);
  for (const algorithm of await algorithmsInUse(server))
    await rotateRing(server, algorithm, { action: 'keep' }, 'server');
}

async function ensureMacKey(server: Part): Promise<void> {
  const sealed = server.seal.seal(macKeyPlace(1), server.entropy(32));
  await server.commit(
    (read) => read.macKeys(),
    (keys, { now }) => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes:
        keys.length > 0 ? [] : [{ kind: 'mac_key.create', key: { id: 1, state: 'current', sealed, createdAt: now } }],
    }),
  );
}
