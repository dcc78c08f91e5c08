import { addClient, addResource, form, startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let at: TestServer;
beforeAll(async () => {
  at = await startTestServer();
});
afterAll(() => at.close());

test.each([
  ['client_credentials', ['refresh_token']],
  ['refresh_token', ['client_credentials']],
] as const)(
  'CODE-10 RFC 6749 §5.2: %s is refused to a client that is registered for %j',
  async (grant_type, grantTypes) => {
    const api = await addResource(at.server);
    const client = await addClient(at.server, { grantTypes, resources: [api.row.identifier] });
    const answer = await at.fetch(
      '/oauth/token',
      form({ grant_type, refresh_token: 'whatever it is' }, { authorization: client.basic }),
    );
    expect([answer.status, await answer.json()]).toEqual([
      400,
      {
        error: 'unauthorized_client',
        error_description: 'The client may not use this grant type.',
        error_id: expect.any(String),
      },
    ]);
    expect(at.logged.join('\n')).toContain('"error":"grant_type_not_allowed"');
  },
);

test.each(['password', 'implicit', 'REFRESH_TOKEN', 'x'])(
  'CODE-08, CODE-10 RFC 6749 §5.2: there is no grant type %s',
  async (grant_type) => {
    const client = await addClient(at.server);
    const answer = await at.fetch('/oauth/token', form({ grant_type }, { authorization: client.basic }));
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'unsupported_grant_type' }]);
  },
);
