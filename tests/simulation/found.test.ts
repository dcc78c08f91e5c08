import { allow } from '@latchkey/domain/decision';
import type { Write } from '@latchkey/domain/write';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { createSteadyClock } from '@latchkey/server/create-server';
import { createApp } from '@latchkey/server/http/app';
import { rotateMacKeys } from '@latchkey/server/keys/rotate-mac';
import { ROUTES } from '@latchkey/server/routes';
import { testClock } from '@latchkey/testkit/clock';
import { populate, read, type World } from '@latchkey/testkit/people';
import { form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { createVerifier } from '@latchkey/verifier';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { simulatedTimers } from './clock.ts';
import { createScheduler } from './scheduler.ts';

// What the simulation has found, each as the smallest case that shows it.

let world: World;
let clock: ReturnType<typeof testClock>;
beforeEach(async () => {
  clock = testClock();
  world = await populate(await startTestServer({ now: clock.now }));
});
afterEach(() => world.at.close());

const write = (...writes: readonly Write[]) =>
  world.at.server.commit(
    () => Promise.resolve(),
    () => allow(undefined, writes),
  );
const emit = (id: string) =>
  write({ kind: 'revocation.emit', event: { kind: 'family', id, exp: (clock.now() / 1000 + 600) as EpochSeconds } });
const page = async (after = '') => {
  const path = after === '' ? '/revocations' : `/revocations?after=${after}`;
  return (await read(await world.at.fetch(path, { headers: { authorization: world.api.basic } }))).body;
};
const idsOf = (body: unknown) => (body as { events: readonly { id: string }[] }).events.map(({ id }) => id);

test('a reader whose cursor is of an epoch before is told everything, whatever its number', async () => {
  const { position } = await world.at.server.store.read.moment();
  await write({ kind: 'epoch.begin', at: clock.now() });
  await emit('fam_after_the_restore');
  const cursor = `${position.epoch}:9`;
  expect(idsOf(await page(cursor))).toEqual(['fam_after_the_restore']);
  const headers = { accept: 'text/event-stream', authorization: world.api.basic, 'last-event-id': cursor };
  const stream = await world.at.fetch('/revocations', { headers });
  const first = await stream.body?.getReader().read();
  expect(new TextDecoder().decode(first?.value)).toContain('fam_after_the_restore');
});

const revokeAccess = async () => {
  const { body } = await world.login();
  return async () => {
    const asked = form({ token: String(body.access_token), client_id: world.clientId });
    const { status } = await world.at.fetch('/oauth/revoke', asked);
    const { events } = (await page()) as unknown as { events: readonly { kind: string }[] };
    return [status, events.map(({ kind }) => kind)];
  };
};

test('a token that the clock of the server takes for too young is revoked', async () => {
  const revoke = await revokeAccess();
  clock.advance(-90_000);
  expect(await revoke()).toEqual([200, ['token']]);
});

test.each([
  [300 + 179, ['token']],
  [300 + 180, []],
  [300 + 181, []],
])(
  'a token that may still be good at a verifier with a slow clock is revoked: after %d s of 300',
  async (age, kinds) => {
    const revoke = await revokeAccess();
    clock.advance(age * 1000);
    expect(await revoke()).toEqual([200, kinds]);
  },
);

test('a MAC key that is revoked between the decision and the tokens is a refusal, and no fault', async () => {
  const { body } = await world.login();
  const { server } = world.at;
  const app = createApp(
    {
      ...server,
      async commit(load, decide) {
        const committed = await server.commit(load, decide);
        await rotateMacKeys(server, { action: 'revoke', id: 1 }, 'cli_admin');
        await server.keys.at((await server.store.read.moment()).catalogue); // as any other request would
        return committed;
      },
    },
    ROUTES,
  );
  const request = new Request(`${world.at.issuer}/api/refresh`, jsonBody({ refresh_token: body.refresh_token }));
  const answer = await read(await app.handle(request, {}));
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
  expect(server.refusals.find(String(answer.body.error_id))?.error).toBe('refresh_token_key_unknown');
});

test('a steady clock goes on evenly, whoever sets the other one', () => {
  let monotonic = 500;
  const wall = testClock(1_000_000);
  const steady = createSteadyClock(wall.now, () => monotonic);
  wall.advance(-3_600_000);
  expect(steady()).toBe(1_000_000);
  monotonic += 1_999.9;
  wall.advance(7_200_000);
  expect(steady()).toBe(1_001_999 as EpochMilliseconds);
});

test('heartbeats do not go back when the clock of the server is set back', async () => {
  const began = (await page()).asOf;
  clock.advance(-3_600_000);
  expect(Number((await page()).asOf)).toBeGreaterThanOrEqual(Number(began));
});

test.each([
  [5, 2_500],
  [10, 5_000],
  [12, 6_000],
  [60, 6_000],
])('with a bound of %d s a stream that is silent at its beginning is given up after %d ms', async (bound, wait) => {
  const scheduler = createScheduler();
  const lost: number[] = [];
  const verifier = createVerifier({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    onStale: 'reject',
    maxStalenessSeconds: bound,
    monotonic: scheduler.now,
    timers: simulatedTimers(scheduler),
    fetch: (url, init) =>
      String(url).endsWith('/revocations')
        ? new Promise((_, reject) => {
            init?.signal?.addEventListener('abort', () => reject(new Error('called off')));
          })
        : Promise.reject(new Error('not asked for here')),
    onEvent: ({ event }) => event === 'feed_lost' && lost.push(scheduler.now()),
  });
  await scheduler.run(wait - 1, () => {});
  expect(lost).toEqual([]);
  await scheduler.run(wait, () => {});
  expect(lost).toEqual([wait]);
  verifier.close();
});
