import { later } from '@latchkey/protocol/types';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { testClock } from '@latchkey/testkit/clock';
import { populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { encodeApiKey } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';

const clock = testClock();
let world: World;
let admin: TestAdministrator;
beforeAll(async () => {
  world = await populate(await startTestServer({ now: clock.now }));
  admin = await addAdministrator(world.at);
});
afterAll(() => world.at.close());

const explained = async (credential: string) => {
  const { body } = await admin.post('/explain', { credential });
  const failed = body.checks.find(({ result }: { result: string }) => result === 'failed');
  return [body.kind, failed?.check, failed?.text ?? body.advice];
};

test('a key is explained: its form, whether there is one, its secret, its life', async () => {
  const own = { owner: world.accountId, resource: world.api.row.identifier };
  const key = await addApiKey(world.at, { ...own, expiresAt: later(clock.now(), 3_600_000) });
  const wrong = encodeApiKey(key.row.id, 'live', new Uint8Array(32));
  const unknown = encodeApiKey(`key_${'0'.repeat(26)}` as typeof key.row.id, 'live', new Uint8Array(32));
  expect(await explained('lk_live_x')).toEqual(['an API key', 'form', expect.stringContaining('checksum')]);
  expect(await explained(unknown)).toEqual(['an API key', 'known', 'There is no key with this id.']);
  expect(await explained(wrong)).toEqual(['an API key', 'secret', 'The secret does not fit.']);
  expect(await explained(key.text)).toEqual(['an API key', undefined, expect.stringContaining('It works.')]);

  const revoked = await addApiKey(world.at, own);
  await admin.delete(`/api-keys/${revoked.row.id}`);
  expect(await explained(revoked.text)).toEqual(['an API key', 'life', `The key ${revoked.row.id} has ended.`]);
  const { body } = await admin.post('/explain', { credential: revoked.text });
  expect(body.event).toMatchObject({ what: 'the API key ended', why: expect.any(String) });

  clock.advance(3_600_000);
  admin = await addAdministrator(world.at);
  expect(await explained(key.text)).toEqual([
    'an API key',
    'life',
    expect.stringMatching(/^The key key_\w+ expired at /),
  ]);
  const last = await addApiKey(world.at, own);
  await admin.post(`/accounts/${world.accountId}/disable`);
  expect(await explained(last.text)).toEqual(['an API key', 'life', expect.stringContaining('has ended, and with it')]);
});
