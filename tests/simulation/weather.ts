import { allow } from '@latchkey/domain/decision';
import { eventExpiry } from '@latchkey/domain/tokens/event-expiry';
import { BEGINNING } from './clock.ts';
import type { World } from './world.ts';

const PAUSE = 8_000;
/** The skew with which a night is survived: revocations are kept for so much longer than tokens live. */
const PRECISE = 25_000;

/** What happens to machines: they die, their disks go away, their clocks are set, and lines between them break. */
export async function runWeather(world: World): Promise<void> {
  const { random, scheduler } = world;
  for (;;) {
    await scheduler.sleep(random.below(PAUSE));
    await random.pick(EVENTS)(world);
  }
}

async function crash(world: World): Promise<void> {
  world.note('node', 'dies');
  world.node.crash();
  for (const { line } of world.apis) line.cut();
  await world.scheduler.sleep(200 + world.random.below(4_000));
  await world.node.start();
  world.note('node', 'starts');
}

/** An older database is put back, and whoever does it says so, as the design asks. */
async function restore(world: World): Promise<void> {
  const { database, observer, scheduler, random, ends, books } = world;
  const backup = database.memory.committed;
  const then = observer.tick();
  await scheduler.sleep(random.below(10_000));
  world.note('node', 'dies, and an older database is put back');
  world.node.crash();
  for (const { line } of world.apis) line.cut();
  database.restore(backup);
  const families = [...books.families.values()];
  ends.restoredTo(
    then,
    families.filter(({ decided }) => decided > then).map(({ fid }) => fid),
  );
  for (const family of families) if (family.lastTold > then) family.isForgotten = true;
  world.codes.restoredTo(then);
  world.browsing.restoredTo(then);
  world.guesses.restored();
  for (const person of world.people) person.disabledSince = undefined;
  const everything = random.chance(0.3)
    ? ends.begin('everything', ({ jti, decided }, began) => jti !== undefined && decided < began)
    : undefined;
  await database.memory.transact(async (tx) => {
    const { now } = await tx.moment();
    const { writes } = allow(undefined, [
      { kind: 'epoch.begin', at: now },
      ...(everything
        ? [{ kind: 'revocation.emit', event: { kind: 'all', id: '', exp: eventExpiry(now) } } as const]
        : []),
    ]);
    await tx.apply([], writes);
  });
  if (everything !== undefined) ends.acknowledge(everything);
  await scheduler.sleep(200 + random.below(4_000));
  await world.node.start();
  world.note('node', 'starts in a new epoch');
}

async function setNodeClock(world: World): Promise<void> {
  const step = world.random.below(2 * world.skew) - world.skew;
  world.clock.step(step - (world.clock.now() - world.scheduler.now() - BEGINNING));
  world.clockSetAt = world.scheduler.now();
  world.note('node', `its clock is set to be ${step} ms wrong`);
}

async function setApiClock(world: World): Promise<void> {
  const { clock, name } = world.random.pick(world.apis);
  clock.step(world.random.below(20_000) - 10_000);
  world.note(name, 'its clock is set');
}

/** Everything is shut down for about as long as a token lives, and what has expired is removed in the morning. */
async function night(world: World): Promise<void> {
  const { database, scheduler, random, node, apis, books, clock } = world;
  if (world.skew > PRECISE) return;
  const minutes = 40 + random.below(30);
  world.note('node', `is shut down for ${minutes} minutes`);
  node.crash();
  for (const { line } of apis) line.cut();
  await scheduler.sleep(3_000);
  scheduler.leap(minutes * 60_000);
  while ((await database.memory.expire(clock.now(), 100)) === 100);
  for (const family of books.families.values())
    if (!database.memory.committed.families.has(family.fid)) family.isForgotten = true;
  world.codes.morning(database.memory.committed);
  for (const api of apis) api.restart();
  await node.start();
  world.note('node', 'starts in the morning');
}

const EVENTS: readonly ((world: World) => unknown)[] = [
  crash,
  crash,
  restore,
  night,
  setNodeClock,
  setApiClock,
  ({ database, random, note }) => {
    const milliseconds = random.below(3_000);
    database.fail(milliseconds);
    note('disk', `away for ${milliseconds} ms`);
  },
  ({ database, random, note }) => {
    const milliseconds = random.below(20_000);
    database.stall(milliseconds);
    note('disk', `reads of the log wait for ${milliseconds} ms`);
  },
  ({ apis, random, note }) => {
    const milliseconds = random.below(20_000);
    const { line, name } = random.pick(apis);
    line.block(milliseconds);
    note(name, `its line holds everything back for ${milliseconds} ms`);
  },
  ({ apis, random, note }) => {
    const { line, name } = random.pick(apis);
    line.cut();
    note(name, 'its line breaks');
  },
  ({ apis, random, note }) => {
    const api = random.pick(apis);
    api.restart();
    note(api.name, 'restarts');
  },
];
