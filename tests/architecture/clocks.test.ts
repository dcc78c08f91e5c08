import { testClock } from '@latchkey/testkit/clock';
import { populate } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { expect, test } from 'vitest';
import { sourceFiles } from './source-files.ts';

const using = (pattern: RegExp): readonly string[] =>
  sourceFiles()
    .filter(({ isTest, packageName, text }) => !isTest && packageName !== 'testkit' && pattern.test(text))
    .map(({ path }) => path);

test('OPS-04: the time of day is read at two places, from where it is passed on', () => {
  expect(using(/\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/)).toEqual([
    'packages/server/src/system.ts',
    'packages/verifier/src/options.ts',
  ]);
});

test('OPS-04: where time is only measured, a clock is read that nobody can set', () => {
  expect(using(/\bperformance\.now\b|\bhrtime\b/)).toEqual([
    'packages/cli/src/access-token.ts',
    'packages/cli/src/admin-client.ts',
    'packages/cli/src/credential.ts',
    'packages/server/src/http/app.ts',
    'packages/server/src/prove/password.ts',
    'packages/server/src/system.ts',
    'packages/store/src/group-commit.ts',
    'packages/verifier/src/options.ts',
  ]);
});

test('OPS-04: allowances refill by the clock that never goes back, lifetimes pass by the one that a test moves', async () => {
  const clock = testClock();
  let monotonic = 0;
  const world = await populate(await startTestServer({ now: clock.now, monotonic: () => monotonic }));
  const guess = async () =>
    (await world.login({ username: `nobody${Math.floor(monotonic)}`, client_id: 'cli_x' })).status;
  for (let count = 0; count < 60; count++) expect(await guess()).toBe(401);
  expect(await guess()).toBe(429);
  for (const hours of [1, -2, 1]) {
    clock.advance(hours * 3_600_000);
    expect(await guess()).toBe(429);
  }
  monotonic += 60_000;
  const { body } = await world.login();
  monotonic += 1_000_000;
  expect((await world.post('/api/refresh', { refresh_token: body.refresh_token })).status).toBe(200);
  clock.advance(90 * 86_400_000);
  expect((await world.post('/api/refresh', { refresh_token: body.refresh_token })).status).toBe(400);
  await world.at.close();
});
