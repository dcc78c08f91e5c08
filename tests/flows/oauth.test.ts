import { addClient, addResource, form, startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let at: TestServer;
beforeAll(async () => {
  at = await startTestServer();
});
afterAll(() => at.close());

test('RFC 6749 §4.4: a confidential client gets a token for its resource, and the resource server finds it active', async () => {
  const api = await addResource(at.server);
  const client = await addClient(at.server, { resources: [api.row.identifier] });
  const answer = await at.fetch(
    '/oauth/token',
    form({ grant_type: 'client_credentials' }, { authorization: client.basic }),
  );
  expect(answer.status).toBe(200);
  const body = await answer.json();
  expect(body).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 300,
    scope: 'read write',
  });
  expect(answer.headers.get('cache-control')).toBe('no-store');

  const introspect = () =>
    at.fetch('/oauth/introspect', form({ token: body.access_token }, { authorization: api.basic }));
  expect(await (await introspect()).json()).toMatchObject({
    active: true,
    sub: client.row.id,
    client_id: client.row.id,
    aud: api.row.identifier,
    scope: 'read write',
    token_type: 'Bearer',
  });
  const revoked = await at.fetch('/oauth/revoke', form({ token: body.access_token }, { authorization: client.basic }));
  expect([revoked.status, await revoked.json()]).toEqual([200, {}]);
  expect(await (await introspect()).json()).toEqual({ active: false });
  const page = await at.fetch('/revocations', { headers: { authorization: api.basic } });
  expect(await page.json()).toMatchObject({ events: [{ kind: 'token', seq: 1 }], more: false });
});
