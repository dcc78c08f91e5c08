import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiWorld, startApi } from './api.ts';
import { ask, FRAMEWORKS, type Running } from './frameworks.ts';
import { bearer, plain, told } from './same-answers.ts';

let world: ApiWorld;
const running: Record<string, Running> = {};
beforeAll(async () => {
  world = await startApi({ name: 'once' });
  // each behind a verifier of its own, as in as many processes
  for (const [name, start] of Object.entries(FRAMEWORKS)) running[name] = await start(await world.addVerifier());
});
afterAll(async () => {
  for (const one of Object.values(running)) await one.close();
  await world.close();
});

const login = async () => String((await world.login()).body.access_token);
const use = async (name: string, token: string, path = '/transfer') =>
  plain(await ask(running[name]?.port ?? 0, { path, headers: bearer(token) }));
const USED = 'This takes a token once, and the token was used before, or may have been.';

test('a token is used once, among all verifiers of the API and on every framework, with the same answers', async () => {
  for (const name of Object.keys(FRAMEWORKS)) {
    const token = await login();
    expect((await use(name, token)).status).toBe(200);
    for (const other of Object.keys(FRAMEWORKS))
      expect([other, await use(other, token)]).toEqual([
        other,
        told(401, 'invalid_token', USED)({ audience: world.api.row.audience } as never),
      ]);
    expect((await use(name, token, '/things')).status).toBe(200);
  }
});

test('of twenty requests at once on four frameworks one is let in', async () => {
  const token = await login();
  const names = Object.keys(FRAMEWORKS);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => use(String(names[n % names.length]), token)));
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, ...Array(19).fill(401)]);
});
