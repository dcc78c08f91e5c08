import { createVerifier, type Verifier } from '@latchkey/verifier';
import type { AccessRecord } from './books.ts';
import { createWallClock, simulatedTimers, type WallClock } from './clock.ts';
import { API, ISSUER, RESOURCE_SECRET } from './deployment.ts';
import { createFeedLine, type FeedLine } from './feed-line.ts';
import { type Policy, type VerifierWatch, watchVerifier } from './verifier-rules.ts';
import type { World } from './world.ts';

/** An API in a process of its own, with the verifier that it installed. */
export interface ApiServer {
  readonly name: string;
  readonly line: FeedLine;
  readonly clock: WallClock;
  /** A request comes in with this token. */
  use(token: AccessRecord, by: string): Promise<void>;
  /** The process ends and another begins: all that it knew is gone. */
  restart(): void;
  /** Checks that it calls itself stale only when it may be. */
  check(): void;
  close(): void;
}

const POLICIES = ['introspect', 'reject', 'accept'] as const;
/** With a heartbeat that is no older than this, a verifier has no reason to be stale. */
const FED = 2_400;

/** How far the server lets a token's times be off. */
const LEEWAY = { future: 10_000, past: 30_000 };

/** Whether a token is in time by the clock of the server, which may be wrong. */
const isInTimeBy = ({ iat, exp }: AccessRecord, { now }: WallClock): boolean =>
  iat - LEEWAY.future <= now() && now() < exp + LEEWAY.past;

export function startApiServer(world: () => World, number: number): ApiServer {
  const { scheduler, random, network, observer, ends, skew } = world();
  const name = `api${number}`;
  const seconds = 5 + random.below(6);
  const onStale = random.pick(POLICIES);
  const policy: Policy = { onStale, staleAfter: seconds * 1000, acceptFor: 20_000 };
  const clock = createWallClock(scheduler, random.below(2 * skew) - skew);
  let watch: VerifierWatch = watchVerifier(name, policy, world());
  const line = createFeedLine({
    scheduler,
    network,
    node: () => world().node,
    delivered: (delivery) => watch.delivered(delivery),
    introspects(text) {
      const arrived = observer.tick();
      const askedAt = scheduler.now();
      return (isActive) => {
        const token = world().books.accessTokens.get(text);
        const isInTime = token === undefined || isInTimeBy(token, world().clock);
        watch.introspected(text, { askedAt, isActive, isInTime });
        if (!isActive || token === undefined) return;
        const end = ends.isEnded(token, arrived);
        if (end !== undefined) observer.violate('I1', `introspection called ${token.label} active after: ${end.what}`);
      };
    },
  });
  const start = (): Verifier =>
    createVerifier({
      issuer: ISSUER,
      audience: API.audience,
      credentials: { id: API.id, secret: RESOURCE_SECRET },
      onStale,
      maxStalenessSeconds: seconds,
      maxAcceptSeconds: policy.acceptFor / 1000,
      name,
      fetch: line.fetch,
      now: clock.now,
      monotonic: scheduler.now,
      random: random.next,
      timers: simulatedTimers(scheduler),
    });
  let verifier = start();

  return {
    name,
    line,
    clock,
    async use(token, by) {
      const found = watch.verifies(token);
      const result = await verifier.verify(token.text);
      found(result);
      world().note(
        by,
        `${token.label} at ${name} → ${result.ok ? (result.value.stale ? 'stale' : 'ok') : result.error}`,
      );
    },
    restart() {
      line.cut();
      verifier.close();
      watch = watchVerifier(name, policy, world());
      verifier = start();
    },
    check() {
      // the first heartbeat after trouble with the disk says of how long ago it is
      if (scheduler.now() - world().database.troubledUntil < policy.staleAfter + FED) return;
      if (watch.isFedSince(FED) && verifier.status().isStale)
        observer.violate('L', `${name} calls itself stale, though heartbeats come in`);
    },
    close() {
      line.cut();
      verifier.close();
    },
  };
}
