import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, form, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../flows/admin/administrator.ts';
import { hasPrograms, PYTHON } from './programs.ts';

/** What an API in Python would write; it prints what a token says, or by what name PyJWT refuses it. */
const PROGRAM = `
import base64, json, os, jwt
asked = json.loads(os.environ["ASKED"])
def key_of(token):
    if "secret" in asked:
        return base64.urlsafe_b64decode(asked["secret"] + "=")
    return jwt.PyJWKClient(asked["jwks"]).get_signing_key_from_jwt(token).key
def look(token, audience):
    try:
        return jwt.decode(token, key_of(token), algorithms=[asked["algorithm"]], audience=audience,
                          issuer=asked["issuer"], options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]})
    except jwt.PyJWTError as error:
        return type(error).__name__
print(json.dumps([look(asked["token"], asked["audience"]), look(asked["token"], "https://other.example"),
                  look(asked["token"][:-6] + "AAAAAA", asked["audience"])]))
`;
const run = promisify(execFile);

describe.skipIf(!hasPrograms())('PyJWT, which knows nothing of Latchkey', () => {
  let world: World;
  let admin: TestAdministrator;
  beforeAll(async () => {
    world = await populate(await startTestServer());
    await world.at.listen();
    admin = await addAdministrator(world.at);
    // a key of an algorithm that PyJWT does not know by this name must not keep it from the others
    await admin.post('/resources', { identifier: 'https://ed.example', name: 'Ed', algorithm: 'Ed25519' });
  });
  afterAll(() => world.at.close());

  test.each(['ES256', 'RS256', 'PS256', 'HS256'])(
    'verifies a token under %s',
    { timeout: 60_000 },
    async (algorithm) => {
      const audience = `https://${algorithm.toLowerCase()}.example`;
      const made = await admin.post('/resources', { identifier: audience, name: algorithm, algorithm });
      const { basic } = await addClient(world.at.server, { resources: [made.body.identifier] });
      const asked = form({ grant_type: 'client_credentials' }, { authorization: basic });
      const { access_token: token } = await (await world.at.fetch('/oauth/token', asked)).json();
      const { issuer } = world.at;
      const secret = made.body.shared_secret?.secret;
      const key = secret === undefined ? { jwks: `${issuer}/.well-known/jwks.json` } : { secret };
      const ASKED = JSON.stringify({ token, audience, issuer, algorithm, ...key });
      const { stdout } = await run(PYTHON, ['-c', PROGRAM], { env: { PATH: process.env.PATH, ASKED } });
      const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
      expect(JSON.parse(stdout)).toEqual([claims, 'InvalidAudienceError', 'InvalidSignatureError']);
    },
  );
});
