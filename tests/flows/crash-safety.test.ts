import { periodOf } from '@latchkey/domain/api-keys/quota';
import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { createApp } from '@latchkey/server/http/app';
import { ROUTES } from '@latchkey/server/routes';
import type { Server } from '@latchkey/server/server';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { populate, read, type World } from '@latchkey/testkit/people';
import { addClient, addResource, form, jsonBody, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer());
});
afterAll(() => world.at.close());

/** Asks a process that dies at its so-manieth commit: before it is made, or after it and before its answer. */
async function dying(path: string, init: RequestInit, at: { readonly before: number } | { readonly after: number }) {
  const { server } = world.at;
  let commits = 0;
  const commit: Server['commit'] = async (load, decide) => {
    commits += 1;
    if ('before' in at && commits === at.before) throw new StoreUnavailable('the process died before its commit');
    const committed = await server.commit(load, decide);
    if ('after' in at && commits === at.after) throw new StoreUnavailable('the process died before its answer');
    return committed;
  };
  const app = createApp({ ...server, commit }, ROUTES);
  const answer = await read(await app.handle(new Request(`${world.at.issuer}${path}`, init), { remote: '127.0.0.1' }));
  expect(answer.status).toBe(503);
}

describe('a process that dies between a debit and its answer: what was debited is lost, and nothing is overshot', () => {
  const quota = async (uses: number) => {
    const { api, accountId } = world;
    const key = await addApiKey(world.at, {
      owner: accountId,
      resource: api.row.identifier,
      quota: { uses, period: 'month' },
    });
    const spent = async () => {
      const { store } = world.at.server;
      return store.read.quotaSpent(key.row.id, periodOf('month', (await store.read.moment()).now).startsAt);
    };
    const question = (more: Readonly<Record<string, string>> = {}) =>
      form({ token: key.text, ...more }, { authorization: api.basic });
    const ask = async () => (await read(await world.at.fetch('/oauth/introspect', question()))).body.active;
    return { key, spent, question, ask };
  };

  test('one use', async () => {
    const { spent, question, ask } = await quota(3);
    await dying('/oauth/introspect', question(), { after: 1 });
    expect([await spent(), await ask(), await ask(), await ask()]).toEqual([1, true, true, false]);
    expect(await spent()).toBe(3);
  });

  test('one use that was not debited yet was none', async () => {
    const { spent, question, ask } = await quota(1);
    await dying('/oauth/introspect', question(), { before: 1 });
    expect([await spent(), await ask(), await ask()]).toEqual([0, true, false]);
  });

  test('uses that were lent with an answer that nobody got', async () => {
    const { spent, question, ask } = await quota(40);
    await dying('/oauth/introspect', question({ instance: 'v1' }), { after: 1 });
    expect(await spent()).toBe(2);
    const seen: unknown[] = [];
    for (let n = 0; n < 40; n++) seen.push(await ask());
    expect([seen.filter((one) => one === true).length, await spent()]).toEqual([38, 40]);
  });

  test('uses that a report was to be lent: told again, it gets those same and no others', async () => {
    const { key, spent } = await quota(40);
    const report = jsonBody(
      { refusals: [], instance: 'v2', number: 1, renew: [key.row.id] },
      { authorization: world.api.basic },
    );
    await dying('/reports', report, { after: 1 });
    expect(await spent()).toBe(2);
    const again = [await world.at.fetch('/reports', report), await world.at.fetch('/reports', report)];
    const leases = await Promise.all(again.map(async (answer) => (await answer.json()).leases));
    expect(leases[0]).toEqual([expect.objectContaining({ api_key: key.row.id, uses: 2 })]);
    expect([leases[1], await spent()]).toEqual([leases[0], 2]);
  });
});

describe('a process that dies between a grant and the record of its token', () => {
  const opaque = async () => {
    const api = await addResource(world.at.server, { format: 'opaque' });
    const resources = [api.row.identifier];
    const app = { authentication: 'none', firstParty: true, grantTypes: ['refresh_token'], resources } as const;
    const isActive = async (token: unknown) => {
      const asked = form({ token: String(token) }, { authorization: api.basic });
      return (await read(await world.at.fetch('/oauth/introspect', asked))).body.active;
    };
    return { resources, clientId: (await addClient(world.at.server, app)).row.id, isActive };
  };

  test.each([
    ['before the record', { before: 2 }],
    ['after it', { after: 2 }],
  ])('%s: nobody has that token, and the refresh that got no answer is repeated', async (_, at) => {
    const { clientId, isActive } = await opaque();
    const first = (await world.login({ client_id: clientId })).body;
    const again = { refresh_token: first.refresh_token, attempt_id: 'again' };
    await dying('/api/refresh', jsonBody(again), at);
    const repeated = await world.post('/api/refresh', again);
    expect(repeated.status).toBe(200);
    expect([await isActive(repeated.body.access_token), await isActive(first.access_token)]).toEqual([true, true]);
    const next = await world.post('/api/refresh', { refresh_token: repeated.body.refresh_token });
    expect([next.status, await isActive(next.body.access_token)]).toEqual([200, true]);
  });

  test.each([
    ['before the record', { before: 1 }],
    ['after it', { after: 1 }],
  ])('%s: a client asks again, and gets a token that is good', async (_, at) => {
    const { resources, isActive } = await opaque();
    const client = await addClient(world.at.server, { resources });
    const asked = form({ grant_type: 'client_credentials' }, { authorization: client.basic });
    await dying('/oauth/token', asked, at);
    const { body } = await read(await world.at.fetch('/oauth/token', asked));
    expect(await isActive(body.access_token)).toBe(true);
  });
});
