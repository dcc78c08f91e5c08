import { hash } from 'node:crypto';
import { LIMITS } from '@latchkey/protocol/limits';
import { type ApiKeyWithText, addApiKey } from '@latchkey/testkit/api-keys';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer());
});
afterAll(() => world.at.close());

const addKey = (owner: Parameters<typeof addApiKey>[1]['owner'] = world.accountId) =>
  addApiKey(world.at, { owner, resource: world.api.row.identifier });
const endOf = async ({ row }: ApiKeyWithText) => (await world.at.server.store.read.apiKey(row.id))?.ended?.reason;
let reporters = 0;
const report = async (body: unknown, remote = `203.0.113.${++reporters}`) => {
  const answer = await world.at.fetch('/api-keys/leaked', jsonBody(body), remote);
  return { status: answer.status, body: await answer.json() };
};
const label = (token: string, name: string) => ({
  token_hash: hash('sha256', token, 'base64'),
  token_type: 'latchkey_api_key',
  label: name,
});

test('a key that is reported as leaked ends at once, and what is none is said to be none', async () => {
  const [first, second, other] = [await addKey(), await addKey(), await addKey()];
  const wrong = encodeApiKey(other.row.id, 'live', new Uint8Array(32));
  const found = [first.text, wrong, 'ghp_x', second.text].map((token) => ({
    token,
    type: 'latchkey_api_key',
    url: 'https://code.example/x.env',
    source: 'content',
  }));
  expect(await report(found)).toEqual({
    status: 200,
    body: [
      label(first.text, 'true_positive'),
      label(wrong, 'false_positive'),
      label('ghp_x', 'false_positive'),
      label(second.text, 'true_positive'),
    ],
  });
  expect([await endOf(first), await endOf(second), await endOf(other)]).toEqual(['leaked', 'leaked', undefined]);
  const events = await world.at.server.store.read.revocationsOf(first.row.id, world.at.server.now());
  expect(events.map(({ kind }) => kind)).toEqual(['api_key']);
  expect(await report({ token: first.text })).toEqual({ status: 200, body: [label(first.text, 'true_positive')] });
  expect((await world.at.server.store.read.revocationsOf(first.row.id, world.at.server.now())).length).toBe(1);
});

test('a report has limits, and one past them ends nothing', async () => {
  const key = await addKey();
  const many = Array.from({ length: LIMITS.leakedKeysPerReportMax + 1 }, () => ({ token: key.text }));
  for (const body of [many, [], {}, [{ token: 1 }]]) expect((await report(body)).status).toBe(422);
  for (const body of ['x', null]) expect((await report(body)).status).toBe(400);
  expect((await report({ token: key.text, more: 'x'.repeat(LIMITS.bodyBytesMax) })).status).toBe(413);
  const statuses = [];
  for (let count = 0; count <= 30; count++) statuses.push((await report({ token: 'x' }, '198.51.100.7')).status);
  expect([statuses.slice(0, 30).every((status) => status === 200), statuses.at(-1)]).toEqual([true, 429]);
  expect(await endOf(key)).toBe(undefined);
});

test('REV-01: a client gives its own key back, and nobody else does', async () => {
  const [owner, other] = [await addClient(world.at.server), await addClient(world.at.server)];
  const key = await addKey(owner.row.id);
  const revoke = async (token: string, authorization = owner.basic) => {
    const answer = await world.at.fetch('/oauth/revoke', form({ token }, { authorization }));
    return [answer.status, await answer.json()];
  };
  const foreign = await revoke(key.text, other.basic);
  expect(foreign[0]).toBe(400);
  expect(await revoke(encodeApiKey(key.row.id, 'live', new Uint8Array(32)))).toEqual([200, {}]);
  expect(await revoke('lk_live_x')).toEqual([200, {}]);
  expect(await endOf(key)).toBe(undefined);
  expect(await revoke(key.text)).toEqual([200, {}]);
  expect(await endOf(key)).toBe('revoked_by_client');
  expect(await revoke(key.text)).toEqual([200, {}]);
});
