// oidc-provider with its in-memory store, set up for the same work: JWT access tokens (ES256) for one resource,
// client credentials, rotating refresh tokens, introspection, the code flow with an ID token (ES256), UserInfo. Prints
// what a load needs.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const RESOURCE = 'https://api.example';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' };

/**
 * Everything in memory, and nothing thrown away: the adapter that comes with it forgets the oldest of a thousand, which
 * many users would notice. A Map costs less than that.
 */
class MemoryAdapter {
  static #models = new Map();
  static #sessions = new Map();
  #rows;
  constructor(model) {
    this.#rows = MemoryAdapter.#models.get(model) ?? new Map();
    MemoryAdapter.#models.set(model, this.#rows);
  }
  async upsert(id, payload) {
    this.#rows.set(id, payload);
    if (payload.kind === 'Session') MemoryAdapter.#sessions.set(payload.uid, payload);
  }
  async findByUid(uid) {
    return MemoryAdapter.#sessions.get(uid);
  }
  async find(id) {
    return this.#rows.get(id);
  }
  async consume(id) {
    const row = this.#rows.get(id);
    if (row !== undefined) row.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    this.#rows.delete(id);
  }
  async revokeByGrantId(grantId) {
    for (const rows of MemoryAdapter.#models.values())
      for (const [id, row] of rows) if (row.grantId === grantId) rows.delete(id);
  }
}

const server = createServer();
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: MemoryAdapter,
    jwks: { keys: [jwk] },
    cookies: { keys: ['bench'] },
    clients: [
      {
        client_id: 'machine',
        client_secret: 'a-secret-of-the-benchmark-and-nothing-else',
        grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
        redirect_uris: ['https://client.example/cb'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    scopes: ['openid', 'offline_access', 'read'],
    rotateRefreshToken: true,
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'read',
          accessTokenFormat: process.env.FORMAT ?? 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    ttl: { RefreshToken: 86_400, Grant: 86_400, Session: 86_400, AccessToken: 3_600, ClientCredentials: 300 },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  const callback = provider.callback();
  let people = 0;
  /** Where it would ask somebody to sign in and to consent, somebody new does. */
  const signIn = async (request, response) => {
    const accountId = `person-${people++}`;
    const grant = new provider.Grant({ accountId, clientId: 'machine' });
    grant.addOIDCScope('openid read');
    grant.addResourceScope(RESOURCE, 'read');
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, { login: { accountId }, consent });
  };
  server.on('request', (request, response) =>
    request.url.startsWith('/interaction/') ? signIn(request, response) : callback(request, response),
  );

  const client = await provider.Client.find('machine');
  const refreshTokens = [];
  for (let index = 0; index < 64; index++) {
    const grant = new provider.Grant({ accountId: `account-${index}`, clientId: 'machine' });
    grant.addResourceScope(RESOURCE, 'read');
    grant.addOIDCScope('offline_access');
    const grantId = await grant.save();
    const token = new provider.RefreshToken({
      accountId: `account-${index}`,
      client,
      grantId,
      gty: 'authorization_code',
      scope: 'offline_access read',
      resource: RESOURCE,
      rotations: 0,
      iiat: Math.floor(Date.now() / 1000),
      authTime: Math.floor(Date.now() / 1000),
    });
    refreshTokens.push(await token.save());
  }
  const accessTokens = [];
  for (let index = 0; index < 64; index++) {
    const accountId = `account-${index}`;
    const grant = new provider.Grant({ accountId, clientId: 'machine' });
    grant.addOIDCScope('openid');
    const grantId = await grant.save();
    const token = new provider.AccessToken({ accountId, client, grantId, gty: 'authorization_code', scope: 'openid' });
    accessTokens.push(await token.save());
  }
  console.log(`ready ${JSON.stringify({ port, refreshTokens, accessTokens })}`);
});
process.on('SIGTERM', () => process.exit(0));
