import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { populate, type World } from '@latchkey/testkit/people';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { encodeAccessToken } from '@latchkey/tokens/formats/access-token-jwt';
import { createVerifier, type RequestLike, type Verifier, type VerifierOptions } from '@latchkey/verifier';
import { expect } from 'vitest';

/** A real server with its port open, and an API with a verifier that has seen its log. */
export interface ApiWorld extends World {
  readonly verifier: Verifier;
  /** One more verifier of the same API. */
  addVerifier(options?: Partial<VerifierOptions>): Promise<Verifier>;
  /** Signs claims with the server's own key: what a bug in the server, or a thief of the key, could make. */
  sign(claims: object, typ?: string, issuer?: TestServer): Promise<string>;
  close(): Promise<void>;
}

export async function startApi(options: Partial<VerifierOptions> = {}): Promise<ApiWorld> {
  const world = await populate(await startTestServer({ settings: { trustedProxies: '127.0.0.1' } }));
  const { at, api } = world;
  await at.listen();
  const verifiers: Verifier[] = [];
  const addVerifier: ApiWorld['addVerifier'] = async (more = {}) => {
    const made = createVerifier({
      issuer: at.issuer,
      audience: api.row.audience,
      credentials: { id: api.row.id, secret: api.secret },
      name: 'api',
      ...more,
    });
    verifiers.push(made);
    await made.ready();
    return made;
  };
  return {
    ...world,
    verifier: await addVerifier(options),
    addVerifier,
    async sign(claims, typ = 'at+jwt', { server } = at) {
      const { catalogue } = await server.store.read.moment();
      const signer = (await server.keys.at(catalogue)).signer('ES256');
      return encodeAccessToken(claims as AccessTokenClaims, signer, typ as 'at+jwt');
    },
    async close() {
      for (const one of verifiers) one.close();
      await at.close();
    },
  };
}

export const bearer = (token: string, method = 'GET'): RequestLike => ({
  method,
  header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
});

export const partsOf = (token: string) => {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { head, payload, signature, header: read(head), claims: read(payload) as AccessTokenClaims };
};

export const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Waits for the feed: until the verifier refuses a token, without asking anybody. */
export async function untilRefused(verifier: Verifier, token: string): Promise<unknown> {
  await expect.poll(() => verifier.verifyNow(token)?.ok, { timeout: 15_000, interval: 5 }).toBe(false);
  return verifier.verifyNow(token);
}
