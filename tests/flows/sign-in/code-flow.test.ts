import { addRelyingParty, codeFlow } from '@latchkey/testkit/code-flow';
import { populate, type World } from '@latchkey/testkit/people';
import { startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let world: World;
let client: Awaited<ReturnType<typeof addRelyingParty>>;
beforeAll(async () => {
  world = await populate(await startTestServer());
  client = await addRelyingParty(world);
});
afterAll(() => world.at.close());

const claimsOf = (token: unknown) => JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());

test('OIDC-02 OIDC Core §3.1.2: a person signs in on the page, and the client gets tokens and an ID token', async () => {
  const tokens = await codeFlow(world, client, { scope: 'openid profile' });
  expect(tokens.status).toBe(200);
  expect(tokens.body).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'openid profile' });
  const claims = claimsOf(tokens.body.id_token);
  expect(claims).toMatchObject({
    iss: world.at.issuer,
    sub: world.accountId,
    aud: client.row.id,
    azp: client.row.id,
    nonce: 'the nonce',
    amr: ['pwd'],
    auth_time: expect.any(Number),
    at_hash: expect.any(String),
    sid: expect.stringMatching(/^ses_/),
  });
  const answer = await world.get('/oauth/userinfo', { authorization: `Bearer ${tokens.body.access_token}` });
  expect([answer.status, answer.body]).toEqual([200, { sub: world.accountId, preferred_username: 'alice' }]);
});
