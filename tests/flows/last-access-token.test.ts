import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const clock = testClock();
let world: World;
beforeAll(async () => {
  world = await populate(
    await startTestServer({ now: clock.now, settings: { bodyIdleSeconds: '400', bodyAbsoluteSeconds: '400' } }),
  );
});
afterAll(() => world.at.close());

const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());

test('I1: no access token outlives the session and the family that it belongs to: who revokes it then ends nothing', async () => {
  const { body } = await world.login();
  expect([body.expires_in, claimsOf(body.access_token).exp - claimsOf(body.access_token).iat]).toEqual([300, 300]);
  clock.advance(350_000);
  const answer = await world.at.fetch('/api/refresh', jsonBody({ refresh_token: body.refresh_token }));
  const last = await answer.json();
  const { exp } = claimsOf(last.access_token);
  expect(last.expires_in).toBeLessThanOrEqual(51);
  expect(exp).toBe(claimsOf(body.access_token).iat + 400);
});
