import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, startTestServer } from '@latchkey/testkit/test-server';
import { createVerifier, type Verifier } from '@latchkey/verifier';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
let api: Awaited<ReturnType<typeof addResource>>;
let machine: Awaited<ReturnType<typeof addClient>>;
let verifier: Verifier;
const clock = testClock();
let steady = 0;

beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now, monotonic: () => steady }));
  await world.at.listen();
  api = await addResource(world.at.server, { hasStatusList: true });
  machine = await addClient(world.at.server, { resources: [api.row.identifier] });
  verifier = createVerifier({
    issuer: world.at.issuer,
    audience: api.row.audience,
    revocation: 'status_list',
    requireStatus: true,
    now: clock.now,
    monotonic: () => steady,
  });
  await verifier.ready();
});
afterAll(async () => {
  verifier.close();
  await world.at.close();
});

function pass(milliseconds: number): void {
  clock.advance(milliseconds);
  steady += milliseconds;
}
async function issue(): Promise<string> {
  const fields = { grant_type: 'client_credentials', resource: api.row.identifier };
  const answer = await world.at.fetch('/oauth/token', form(fields, { authorization: machine.basic }));
  return (await answer.json()).access_token;
}
const revoke = (token: string) => world.at.fetch('/oauth/revoke', form({ token }, { authorization: machine.basic }));

test('REV-07, TSL-10: whoever reads the status list refuses a revoked token within the promised time', async () => {
  const [kept, gone] = [await issue(), await issue()];
  expect([(await verifier.verify(kept)).ok, (await verifier.verify(gone)).ok]).toEqual([true, true]);
  await revoke(gone);
  pass(world.at.server.settings.statusListSeconds * 1000);
  expect((await verifier.verify(kept)).ok).toBe(true);
  expect(await verifier.verify(gone)).toEqual({ ok: false, error: 'token_revoked' });
});

test('a token of another resource has no status, and another audience', async () => {
  const token = String((await world.login()).body.access_token);
  expect(await verifier.verify(token)).toEqual({ ok: false, error: 'token_audience_wrong' });
});
