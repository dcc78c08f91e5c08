import { addApiKey } from '@latchkey/testkit/api-keys';
import { populate } from '@latchkey/testkit/people';
import { form, startTestServer } from '@latchkey/testkit/test-server';
import { expect, test } from 'vitest';
import { rowsOf } from '../refusal.ts';

const USES = 500;

test(`I7: ${USES} uses and exchanges of a key leave rows where they were`, { timeout: 60_000 }, async () => {
  const world = await populate(await startTestServer({ settings: { logLevel: 'silent' } }));
  const { at, api } = world;
  const quota = { uses: 1_000_000, period: 'month' } as const;
  const { text } = await addApiKey(at, { owner: world.accountId, resource: api.row.identifier, quota });
  const exchange = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: text,
    subject_token_type: 'urn:latchkey:params:oauth:token-type:api_key',
  };
  const use = async () => {
    const tokens = await at.fetch('/oauth/token', form(exchange));
    const told = await at.fetch('/oauth/introspect', form({ token: text }, { authorization: api.basic }));
    expect([tokens.status, (await told.json()).active]).toEqual([200, true]);
  };
  const counts = async () => {
    await at.server.usage.flush();
    return Object.fromEntries(
      Object.entries(rowsOf(at))
        .filter(([table]) => table !== 'api_key_usage') // by the hour, which may begin meanwhile
        .map(([table, rows]) => [table, rows.length]),
    );
  };
  await use();
  const before = await counts();
  for (let count = 0; count < USES / 2; count++) await use();
  expect(await counts()).toEqual(before);
  expect(before).toMatchObject({ api_keys: 1, api_key_quotas: 1, token_records: 0, families: 0, revocations: 0 });
  await at.close();
});
