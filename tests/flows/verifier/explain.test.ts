import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { type ApiWorld, bearer, partsOf, startApi, untilRefused } from './api.ts';

let world: ApiWorld;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await startApi();
  admin = await addAdministrator(world.at);
});
afterAll(() => world.close());

/** What the server makes of an error id, as soon as the verifier has reported it. */
async function explained(errorId: string) {
  const isReported = () => world.at.server.refusals.find(errorId) !== undefined;
  await expect.poll(isReported, { timeout: 15_000, interval: 20 }).toBe(true);
  return (await admin.post('/explain', { error_id: errorId })).body;
}
async function errorIdOf(token: string, asked = {}): Promise<string> {
  const result = await world.verifier.authenticate(bearer(token), asked);
  if (result.ok) throw new Error('accepted');
  return result.error.errorId;
}

test('a refusal by a verifier is explained by the server, with the event behind it', async () => {
  const { body } = await world.login();
  const token = String(body.access_token);
  await world.post('/api/logout', { refresh_token: body.refresh_token });
  await untilRefused(world.verifier, token);
  const explanation = await explained(await errorIdOf(token));
  expect(explanation.checks.map(({ check, result }: Record<string, string>) => [check, result])).toEqual([
    ['known', 'passed'],
    ['about', 'passed'],
    ['token_revoked', 'failed'],
  ]);
  const { jti, fid, sid } = partsOf(token).claims;
  for (const id of [jti, fid, sid, world.accountId, world.clientId, world.api.row.id])
    expect(explanation.checks[1].text).toContain(id);
  expect(explanation.checks[0].text).toContain(world.api.row.audience);
  expect(explanation.event).toMatchObject({ what: expect.stringContaining('ended'), by: expect.any(String) });
  expect(explanation.advice).toBe('Sign in again.');
});

test('a token that lacks a scope is explained by whose it is', async () => {
  const token = String((await world.login()).body.access_token);
  const explanation = await explained(await errorIdOf(token, { scope: ['everything'] }));
  expect(explanation.checks.at(-1)).toMatchObject({ check: 'scope_insufficient', result: 'failed' });
  expect(explanation.checks[1].text).toContain(partsOf(token).claims.jti);
});

test('of a token that never was good, the server is told nothing but that it came', async () => {
  const token = String((await world.login()).body.access_token);
  const explanation = await explained(await errorIdOf(`${token.slice(0, -4)}AAAA`));
  expect(explanation.checks).toEqual([
    { check: 'known', result: 'passed', text: expect.stringContaining(world.api.row.audience) },
    { check: 'about', result: 'passed', text: `It was about resource ${world.api.row.id}.` },
    { check: 'token_signature_invalid', result: 'failed', text: 'The signature does not fit.' },
  ]);
});
