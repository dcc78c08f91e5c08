import { ISSUER } from './deployment.ts';
import type { Stored } from './device.ts';
import { tokensOf } from './refresh-rules.ts';
import { bearer, isConfidential, json, refreshRequest } from './requests.ts';
import { stealInBrowser } from './thief-of-codes.ts';
import type { World } from './world.ts';

const PAUSE = 9_000;

/** Copies what devices hold, and tries it wherever it may be of use, at once or much later. */
export async function runThief(world: World): Promise<void> {
  const { random, scheduler } = world;
  for (;;) {
    await scheduler.sleep(random.below(PAUSE));
    const device = random.pick(world.devices);
    if (random.chance(0.5)) void useAccess(world);
    else if (device.held !== undefined) void useRefresh(world, device.held);
    if (device.browser !== undefined) stealInBrowser(world, device.browser);
  }
}

async function useAccess(world: World): Promise<void> {
  const { random, scheduler } = world;
  const known = [...world.books.accessTokens.values()];
  if (known.length === 0) return;
  const token = random.pick(known);
  await scheduler.sleep(random.below(4 * PAUSE));
  if (token.aud !== ISSUER) return random.pick(world.apis).use(token, 'thief');
  let arrived = 0;
  await world.network.ask(json('/api/me', {}, bearer(token.text), 'GET'), {
    arrived() {
      arrived = world.observer.tick();
    },
    left({ status }) {
      const end = world.ends.isEnded(token, arrived);
      if (status === 200 && end !== undefined)
        world.observer.violate('I1', `the server accepted ${token.label} of a thief after the answer to: ${end.what}`);
    },
  });
}

async function useRefresh(world: World, copied: Stored): Promise<void> {
  const { random, scheduler, books } = world;
  // a thief outside has no secret of a confidential client; one inside has
  const hasSecret = !isConfidential(copied.mode) || random.chance(0.5);
  const family = books.families.get(copied.fid);
  if (family !== undefined) family.isRobbed = true;
  let held: Stored = copied;
  for (let times = 1 + random.below(3); times > 0; times--) {
    await scheduler.sleep(random.below(random.chance(0.5) ? 3_000 : 2 * PAUSE));
    const attempt = random.chance(0.5) ? undefined : 'made up';
    const request = refreshRequest(held, attempt, undefined, hasSecret ? undefined : 'guessed');
    const reply = await world.network.ask(request, world.rules.watch(held.refresh, attempt, hasSecret));
    const tokens = reply === undefined ? undefined : tokensOf(reply);
    world.note(
      'thief',
      `refresh ${family?.label}.${books.refreshTokens.get(held.refresh)?.age} → ${world.outcome(reply)}`,
    );
    if (tokens !== undefined) held = { ...held, refresh: tokens.refresh };
  }
}
