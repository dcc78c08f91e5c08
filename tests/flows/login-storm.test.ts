import { availableParallelism } from 'node:os';
import { addAccount, PASSWORD, populate } from '@latchkey/testkit/people';
import { form, startTestServer } from '@latchkey/testkit/test-server';
import { createVerifier } from '@latchkey/verifier';
import { expect, test } from 'vitest';

const QUEUE = 2;
const STORMERS = 6;
const CALLS = 25;
/** So much work that the queue fills up again faster than it empties, on any machine. */
const SLOW_HASH = { memoryCost: 16_384, timeCost: 2, parallelism: 1 } as const;

test('PWD-07 ASVS 11.4.2: a storm of logins fills the queue of hashes; refresh, introspection and verification go on', {
  timeout: 120_000,
}, async () => {
  const world = await populate(
    await startTestServer({ settings: { hashConcurrency: '1', hashQueue: String(QUEUE) }, hashCost: SLOW_HASH }),
  );
  await world.at.listen();
  const verifier = createVerifier({ issuer: world.at.issuer, audience: world.api.row.audience, onStale: 'reject' });
  await verifier.ready();
  let { access_token: access = '', refresh_token: refresh = '' } = (await world.login()).body;

  const answers: (readonly [number, string | null, string | undefined])[] = [];
  let isOver = false;
  const storm = Array.from({ length: STORMERS }, async (_, n) => {
    for (let attempt = 0; !isOver; attempt++) {
      await new Promise(setImmediate); // a refusal takes no time at all, and others are to have their turn
      const address = `10.${n}.${attempt >> 8}.${attempt & 255}`; // throttling by address is not what is tested
      const body = { username: 'alice', password: PASSWORD, client_id: world.clientId };
      const answer = await world.post('/api/login', body, {}, address);
      answers.push([answer.status, answer.headers.get('retry-after'), answer.body.error]);
    }
  });
  const refusals = () => answers.filter(([status]) => status === 503).length;
  const another = async (than: number) => {
    while (refusals() === than && !isOver) await new Promise(setImmediate);
  };
  try {
    await another(0);
    for (let call = 0; call < CALLS; call++) {
      const refusedBefore = refusals();
      const refreshed = await world.post('/api/refresh', { refresh_token: refresh });
      expect(refreshed.status).toBe(200);
      ({ access_token: access = '', refresh_token: refresh = '' } = refreshed.body);
      const asked = await world.at.fetch(
        '/oauth/introspect',
        form({ token: access }, { authorization: world.api.basic }),
      );
      expect((await asked.json()).active).toBe(true);
      const verified = await verifier.verify(access);
      expect(verified.ok).toBe(true);
      await another(refusedBefore); // the storm rages on
    }
  } finally {
    isOver = true;
  }
  await Promise.all(storm);
  const kinds = new Set(answers.map((answer) => JSON.stringify(answer)));
  expect([...kinds].sort()).toEqual(['[200,null,null]', '[503,"2","temporarily_unavailable"]']);
  verifier.close();
  await world.at.close();
});

test('PWD-07 ASVS 11.4.2: 500 logins at once get a place, or 503 with Retry-After; none is lost and none counts as a wrong guess', {
  timeout: 60_000,
}, async () => {
  const world = await populate(await startTestServer({ settings: { hashConcurrency: '1', hashQueue: '10' } }));
  await addAccount(world.at.server, 'bob');
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, n) => {
      const body = { username: 'bob', password: PASSWORD, client_id: world.clientId };
      return world.post('/api/login', body, {}, `10.1.${n >> 8}.${n & 255}`);
    }),
  );
  const taken = answers.filter(({ status }) => status === 200).length;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
  expect(taken).toBeGreaterThanOrEqual(11); // one is computed, ten wait
  for (const { status, headers } of answers) expect(headers.get('retry-after')).toBe(status === 503 ? '2' : null);
  expect((await world.login({ username: 'bob' })).status).toBe(200);
  await world.at.close();
});

test('PWD-07: by default one hash less than there are cores is computed at a time, and one at least', async () => {
  const queue = 3;
  const at = await startTestServer({ settings: { hashQueue: String(queue) } });
  const cores = availableParallelism();
  const asked = Array.from({ length: cores + 2 * queue }, () => at.server.passwords.hash(PASSWORD));
  const taken = (await Promise.all(asked)).filter(({ ok }) => ok).length;
  expect(taken - queue).toBe(Math.max(1, cores - 1));
  await at.close();
});
