import { COMMAND_LINE } from '@latchkey/protocol/command-line';
import { LIMITS } from '@latchkey/protocol/limits';
import type {
  ClientId,
  EpochMilliseconds,
  EpochSeconds,
  ResourceId,
  ResourceIdentifier,
  SecretId,
  Sha256,
} from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import type { Client, OwnerSecret } from './client.ts';
import { type CreateClientCommand, decideCreateClient, type SectorDocument } from './create-client.ts';
import { type CreateResourceCommand, decideCreateResource } from './create-resource.ts';
import { decideDeleteClient } from './delete-client.ts';
import { PLAIN_RESOURCE, type Resource } from './resource.ts';
import { decideRotateSecret, type RotateSecretCommand } from './rotate-secret.ts';
import { decideUpdateResource, loadUpdateResource } from './update-resource.ts';

const now = 1_000_000 as EpochMilliseconds;
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const adminApi = 'https://id.example/admin/api';
const administrator = { id: 'cli_admin', scope: ['clients:write', 'accounts:read'] };
const secret = { id: 'sec_new' as SecretId, hash: 'hash' as Sha256 };
const stored = (owner: string) => ({ ...secret, owner, createdAt: now, expiresAt: undefined });

const resource = (identifier: string, more: Partial<Resource> = {}): Resource => ({
  id: 'res_1' as ResourceId,
  version: 1,
  identifier: identifier as ResourceIdentifier,
  audience: identifier,
  name: 'API',
  createdAt: 0 as EpochMilliseconds,
  scope: ['read', 'write'],
  algorithm: 'ES256',
  tokenType: 'at+jwt',
  accessTokenSeconds: 300,
  ...PLAIN_RESOURCE,
  builtIn: false,
  ...more,
});
const API = resource('https://api.example');
const ADMIN = resource(adminApi, { scope: ['clients:write', 'accounts:read', 'keys:write'], builtIn: true });

const createClient: CreateClientCommand = {
  administrator,
  id: 'cli_new' as ClientId,
  name: 'Job',
  authentication: 'client_secret_basic',
  firstParty: false,
  grantTypes: ['client_credentials'],
  scope: ['read'],
  resources: [API.identifier],
  origins: [],
  applicationType: 'web',
  redirectUris: [],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: undefined,
  backchannelLogoutSessionRequired: false,
  subjects: { type: 'public' },
  requiresPkce: true,
  idTokenAlgorithm: 'RS256',
  hasScopeClaimsInIdToken: false,
  refreshPolicy: 'rotate',
  overlapMilliseconds: undefined,
  secret,
  adminApi,
  fetchAllow: ['http://10.0.0.7:3000'],
};
const client: Client = {
  id: createClient.id,
  version: 1,
  name: 'Job',
  createdAt: now,
  deletedAt: undefined,
  authentication: 'client_secret_basic',
  firstParty: false,
  grantTypes: ['client_credentials'],
  scope: ['read'],
  resources: [API.identifier],
  origins: [],
  applicationType: 'web',
  redirectUris: [],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: undefined,
  backchannelLogoutSessionRequired: false,
  sector: undefined,
  requiresPkce: true,
  idTokenAlgorithm: 'RS256',
  hasScopeClaimsInIdToken: false,
  refreshPolicy: 'rotate',
  overlapMilliseconds: undefined,
  cutOff: undefined,
};
const publicClient = {
  authentication: 'none',
  firstParty: true,
  grantTypes: ['refresh_token'],
  origins: ['https://app.example'],
} as const;

test('a confidential client is made with its secret and an audit row', () => {
  expect(decideCreateClient({ resources: [API] }, createClient, moment)).toEqual({
    outcome: { ok: true, value: client },
    expects: [],
    writes: [
      { kind: 'client.create', client },
      { kind: 'secret.add', secret: stored('cli_new') },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'client.created',
          actor: 'cli_admin',
          subject: { client: 'cli_new' },
          detail: { name: 'Job', authentication: 'client_secret_basic', first_party: false },
        },
      },
    ],
  });
});

test('a public client has no secret', () => {
  const { outcome, writes } = decideCreateClient({ resources: [API] }, { ...createClient, ...publicClient }, moment);
  expect([outcome.ok, writes.map(({ kind }) => kind)]).toEqual([true, ['client.create', 'audit.append']]);
});

test.each([
  [
    'RFC 6749 §4.4: a public client with client_credentials',
    { ...publicClient, grantTypes: ['client_credentials'] },
    'client_metadata_conflict',
  ],
  [
    'RFC 8693 §2.1: a public client that exchanges keys',
    { ...publicClient, grantTypes: ['refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'] },
    'client_metadata_conflict',
  ],
  [
    'RFC 9700 §4.14.2: a public client that keeps its refresh token',
    {
      ...publicClient,
      applicationType: 'web',
      redirectUris: [],
      postLogoutRedirectUris: [],
      backchannelLogoutUri: undefined,
      backchannelLogoutSessionRequired: false,
      sector: undefined,
      requiresPkce: true,
      idTokenAlgorithm: 'RS256',
      hasScopeClaimsInIdToken: false,
      refreshPolicy: 'keep',
    },
    'client_metadata_conflict',
  ],
  ['no grant type', { grantTypes: [] }, 'client_metadata_conflict'],
  ['origins without being first-party', { origins: ['https://app.example'] }, 'client_metadata_conflict'],
  ['an origin with a path', { ...publicClient, origins: ['https://app.example/'] }, 'origin_invalid'],
  ['an origin over plain http', { ...publicClient, origins: ['http://app.example'] }, 'origin_invalid'],
  ['the null origin', { ...publicClient, origins: ['null'] }, 'origin_invalid'],
  ['a wildcard', { ...publicClient, origins: ['https://*.example'] }, 'origin_invalid'],
  ['an unknown resource', { resources: [API.identifier, 'https://other.example'] }, 'resource_unknown'],
  ['a scope that no resource knows', { scope: ['read', 'admin'] }, 'scope_not_allowed'],
  ['a scope that breaks the grammar', { scope: ['re ad'] }, 'scope_malformed'],
] as const)('%s is refused, and writes nothing', (_, more, error) => {
  expect(decideCreateClient({ resources: [API] }, { ...createClient, ...more } as CreateClientCommand, moment)).toEqual(
    {
      outcome: { ok: false, error },
      expects: [],
      writes: [],
    },
  );
});

test.each([
  ['origins', LIMITS.originsPerClientMax, true],
  ['origins', LIMITS.originsPerClientMax + 1, false],
] as const)('%s: %d are allowed: %s', (_, count, isAllowed) => {
  const origins = Array.from({ length: count }, (__, n) => `https://app${n}.example`);
  const decided = decideCreateClient({ resources: [API] }, { ...createClient, ...publicClient, origins }, moment);
  expect(decided.outcome).toEqual(
    isAllowed ? expect.objectContaining({ ok: true }) : { ok: false, error: 'limit_reached' },
  );
});

test.each([LIMITS.resourcesMax - 1, LIMITS.resourcesMax, LIMITS.resourcesMax + 1])(
  'a client for %d resources',
  (count) => {
    const many = Array.from({ length: count }, (_, n) => resource(`https://api${n}.example`));
    const resources = many.map(({ identifier }) => identifier);
    const decided = decideCreateClient({ resources: many }, { ...createClient, resources }, moment);
    expect(decided.outcome.ok ? decided.outcome.value.resources : decided.outcome.error).toEqual(
      count <= LIMITS.resourcesMax ? resources : 'limit_reached',
    );
  },
);

test.each([LIMITS.scopeNamesMax - 1, LIMITS.scopeNamesMax, LIMITS.scopeNamesMax + 1])(
  'a client and a resource of %d scopes',
  (count) => {
    const scope = Array.from({ length: count }, (_, n) => `s${n}`);
    const decided = [
      decideCreateClient({ resources: [resource(API.identifier, { scope })] }, { ...createClient, scope }, moment),
      decideCreateResource([], { ...createResource, scope }, moment),
    ];
    const answers = decided.map(({ outcome }) => (outcome.ok ? outcome.value.scope : outcome.error));
    const answer = count <= LIMITS.scopeNamesMax ? scope : 'scope_malformed';
    expect(answers).toEqual([answer, answer]);
  },
);

const signInClient = {
  grantTypes: ['authorization_code', 'refresh_token'],
  redirectUris: ['https://app.example/callback'],
} as const;
const publicSignIn = { ...signInClient, authentication: 'none' } as const;
const nativeSignIn = { ...publicSignIn, applicationType: 'native' } as const;

test('a client that people sign in with is made with all that it was registered with, each but once', () => {
  const wanted = {
    ...signInClient,
    redirectUris: ['https://app.example/callback', 'https://app.example/other', 'https://app.example/callback'],
    backchannelLogoutUri: 'https://app.example/logout?tenant=1',
    backchannelLogoutSessionRequired: true,
    grantTypes: ['authorization_code', 'refresh_token', 'authorization_code'],
    origins: ['https://app.example', 'https://app.example'],
    scope: ['openid', 'read', 'openid'],
    requiresPkce: false,
    idTokenAlgorithm: 'ES256',
    hasScopeClaimsInIdToken: true,
    refreshPolicy: 'keep',
    overlapMilliseconds: 5,
  } as const;
  expect(decideCreateClient({ resources: [API] }, { ...createClient, ...wanted }, moment).outcome).toEqual({
    ok: true,
    value: {
      ...client,
      ...wanted,
      redirectUris: ['https://app.example/callback', 'https://app.example/other'],
      grantTypes: ['authorization_code', 'refresh_token'],
      origins: ['https://app.example'],
      scope: ['openid', 'read'],
    },
  });
});

test.each<[string, Partial<CreateClientCommand>, string | undefined]>([
  ['a public client that people sign in with', publicSignIn, undefined],
  ['PKCE-01: a public client without PKCE', { ...publicSignIn, requiresPkce: false }, 'client_metadata_conflict'],
  ['PKCE-01: a confidential client without PKCE', { ...signInClient, requiresPkce: false }, undefined],
  ['a sign-in without an address', { ...signInClient, redirectUris: [] }, 'client_metadata_conflict'],
  [
    'a place after a logout without a sign-in',
    { postLogoutRedirectUris: ['https://app.example/bye'] },
    'client_metadata_conflict',
  ],
  [
    'back-channel logout without a sign-in',
    { backchannelLogoutUri: 'https://app.example/logout' },
    'client_metadata_conflict',
  ],
  [
    'a session that is required in nothing',
    { ...signInClient, backchannelLogoutSessionRequired: true },
    'client_metadata_conflict',
  ],
  ['an address without a sign-in', { redirectUris: ['https://app.example/cb'] }, 'client_metadata_conflict'],
  ['origins of pages that people sign in with', { ...publicSignIn, origins: ['https://app.example'] }, undefined],
  ['origins of a machine', { origins: ['https://app.example'] }, 'client_metadata_conflict'],
  [
    'a public client that keeps its refresh token',
    { ...publicSignIn, refreshPolicy: 'keep' },
    'client_metadata_conflict',
  ],
  ['a confidential one that keeps it', { ...signInClient, refreshPolicy: 'keep' }, undefined],
  [
    'a machine beside a sign-in',
    { ...signInClient, grantTypes: ['authorization_code', 'client_credentials'] },
    undefined,
  ],
])('RFC 7591 §2: what goes together: %s', (_, more, error) => {
  const { outcome } = decideCreateClient({ resources: [API] }, { ...createClient, ...more }, moment);
  expect(outcome.ok ? undefined : outcome.error).toBe(error);
});

test.each([
  ['of people, for a client that they sign in with', signInClient, undefined],
  ['of people, without any API', { ...signInClient, resources: [] }, undefined],
  ['of people, for a machine', {}, 'scope_not_allowed'],
  ['of people, for a client of the first-party API', publicClient, 'scope_not_allowed'],
] as const)('OIDC Core §5.4: scopes %s', (_, more, error) => {
  for (const scope of [['openid'], ['profile', 'email'], ['offline_access']]) {
    const resources = 'resources' in more ? [] : [API];
    const { outcome } = decideCreateClient({ resources }, { ...createClient, ...more, scope }, moment);
    expect(outcome.ok ? undefined : outcome.error).toBe(error);
  }
});

test.each<[string, readonly string[], Partial<CreateClientCommand>, boolean]>([
  ['RED-04: a fragment', ['https://app.example/cb#x'], signInClient, false],
  ['RED-04: an empty fragment', ['https://app.example/cb#'], signInClient, false],
  ['RED-05: http', ['http://app.example/cb'], signInClient, false],
  [
    'RED-05: http of this machine',
    ['http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost/cb'],
    signInClient,
    true,
  ],
  ['RED-05: a script', ['javascript:alert(1)'], nativeSignIn, false],
  ['RED-05: data', ['data:text/html,x'], nativeSignIn, false],
  ['RED-05: a file', ['file:///etc/passwd'], nativeSignIn, false],
  ['RED-05: a blob', ['blob:https://app.example/1'], nativeSignIn, false],
  ['RED-05: a user in the URL', ['https://me@app.example/cb'], signInClient, false],
  ['RED-05: a line break', ['https://app.example/cb\n'], signInClient, false],
  ['RED-05: one that is bad among good ones', ['https://app.example/cb', 'http://app.example/cb'], signInClient, false],
  ['a scheme of its own, of a native app', ['com.example.app:/cb'], nativeSignIn, true],
  ['a scheme of its own, of a web client', ['com.example.app:/cb'], publicSignIn, false],
])('%s may be where answers go, or not', (_, redirectUris, more, isAllowed) => {
  const decided = decideCreateClient({ resources: [API] }, { ...createClient, ...more, redirectUris }, moment);
  if (isAllowed) expect(decided.outcome).toMatchObject({ ok: true, value: { redirectUris } });
  else expect(decided).toEqual({ outcome: { ok: false, error: 'redirect_uri_invalid' }, expects: [], writes: [] });
});

test.each([LIMITS.redirectUrisPerClientMax - 1, LIMITS.redirectUrisPerClientMax, LIMITS.redirectUrisPerClientMax + 1])(
  'a client with %d addresses',
  (count) => {
    const redirectUris = Array.from({ length: count }, (_, n) => `https://app.example/${n}`);
    const decided = decideCreateClient(
      { resources: [API] },
      { ...createClient, ...signInClient, redirectUris },
      moment,
    );
    expect(decided.outcome.ok ? decided.outcome.value.redirectUris : decided.outcome.error).toEqual(
      count <= LIMITS.redirectUrisPerClientMax ? redirectUris : 'limit_reached',
    );
  },
);

test.each([
  ['https://app.example/logout?tenant=1', undefined],
  ['http://10.0.0.7:3000/logout', undefined],
  ['http://10.0.0.7:3001/logout', 'backchannel_logout_uri_invalid'],
  ['http://app.example/logout', 'backchannel_logout_uri_invalid'],
  ['https://app.example/logout#x', 'backchannel_logout_uri_invalid'],
])('LOGO-04 OIDC Back-Channel Logout §2.2: told at %s: %s', (backchannelLogoutUri, error) => {
  const wanted = { ...createClient, ...signInClient, backchannelLogoutUri };
  const { outcome } = decideCreateClient({ resources: [API] }, wanted, moment);
  expect(outcome.ok ? undefined : outcome.error).toBe(error);
});

const pairwise = (document?: SectorDocument): Partial<CreateClientCommand> => ({
  ...signInClient,
  subjects: { type: 'pairwise', document },
});
const A = 'https://a.example/cb';
const B = 'https://b.example/cb';

test.each<[string, readonly string[], SectorDocument | undefined, string | undefined, string | undefined]>([
  ['one host', [A, 'https://a.example:8443/other'], undefined, 'a.example', undefined],
  ['two hosts', [A, B], undefined, undefined, 'sector_unknown'],
  ['a host that everybody has', ['http://localhost/cb'], undefined, undefined, 'sector_unknown'],
  ['two hosts, in a document', [A, B], { host: 'c.example', redirectUris: [B, 'x', A] }, 'c.example', undefined],
  ['one host, in a document', [A], { host: 'c.example', redirectUris: [A] }, 'c.example', undefined],
  [
    'one that the document lacks',
    [A, B],
    { host: 'a.example', redirectUris: [A] },
    undefined,
    'sector_identifier_invalid',
  ],
  [
    'one that it spells otherwise',
    [A],
    { host: 'a.example', redirectUris: [`${A}/`] },
    undefined,
    'sector_identifier_invalid',
  ],
  ['a document of nothing', [A], { host: 'a.example', redirectUris: [] }, undefined, 'sector_identifier_invalid'],
])(
  'OIDC-03 OIDC Core §8.1, Registration §5: the sector of a client with %s',
  (_, redirectUris, document, sector, error) => {
    const { outcome } = decideCreateClient(
      { resources: [API] },
      { ...createClient, ...pairwise(document), redirectUris },
      moment,
    );
    expect(outcome.ok ? outcome.value.sector : outcome.error).toBe(sector ?? error);
  },
);

test('OIDC-03: our own clients and machines know nobody by a pairwise subject', () => {
  const { outcome: own } = decideCreateClient(
    { resources: [API] },
    { ...createClient, ...pairwise(), authentication: 'none', firstParty: true },
    moment,
  );
  const { outcome: machine } = decideCreateClient(
    { resources: [API] },
    { ...createClient, subjects: { type: 'pairwise', document: undefined } },
    moment,
  );
  for (const outcome of [own, machine]) expect(outcome).toEqual({ ok: false, error: 'client_metadata_conflict' });
});

const forAdminApi = { ...createClient, resources: [adminApi], scope: ['accounts:read'] };

test.each([
  ['what its maker has', { scope: ['accounts:read'] }, undefined],
  ['more than its maker has', { scope: ['accounts:read', 'keys:write'] }, 'scope_insufficient'],
  ['a public one for people', { ...publicClient, origins: [] }, undefined],
  ['a first-party machine', { firstParty: true }, 'admin_client_invalid'],
  ['a machine with refresh tokens', { grantTypes: ['client_credentials', 'refresh_token'] }, 'admin_client_invalid'],
  ['one that people sign in with', { ...signInClient, scope: ['accounts:read'] }, undefined],
  [
    'one that people sign in with, who may do more than its maker',
    { ...signInClient, scope: ['keys:write'] },
    'scope_insufficient',
  ],
  [
    'one that people sign in with, too',
    { ...signInClient, grantTypes: ['client_credentials', 'authorization_code'] },
    'admin_client_invalid',
  ],
] as const)('RFC 9700 §2.3: a client of the admin API: %s', (_, more, error) => {
  const decided = decideCreateClient({ resources: [ADMIN] }, { ...forAdminApi, ...more }, moment);
  expect(decided.outcome.ok ? undefined : decided.outcome.error).toBe(error);
});

const createResource: CreateResourceCommand = {
  administrator,
  id: 'res_new' as ResourceId,
  identifier: 'https://new.example',
  audience: undefined,
  name: 'New',
  scope: ['read', 'read'],
  algorithm: 'ES256',
  tokenType: 'at+jwt',
  accessTokenSeconds: 300,
  format: 'opaque',
  encryptionKey: undefined,
  secret,
};

test('a resource is made with the credential of its verifiers and an audit row', () => {
  const made = resource('https://new.example', {
    id: createResource.id,
    name: 'New',
    createdAt: now,
    scope: ['read'],
    format: 'opaque',
  });
  expect(decideCreateResource([API], createResource, moment)).toEqual({
    outcome: { ok: true, value: made },
    expects: [],
    writes: [
      { kind: 'resource.create', resource: made },
      { kind: 'secret.add', secret: stored('res_new') },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'resource.created',
          actor: 'cli_admin',
          subject: { resource: 'res_new' },
          detail: { identifier: 'https://new.example', audience: 'https://new.example', algorithm: 'ES256' },
        },
      },
    ],
  });
});

test.each([
  ['RFC 7516 §5.1: encrypted tokens without a key', { format: 'jwe' }, 'encryption_key_missing'],
  ['TSL §6.1: a status list for opaque tokens', { hasStatusList: true }, 'status_list_unsupported'],
  [
    'TSL §6.1: a status list for tokens under a shared secret',
    { format: 'jwt', algorithm: 'HS256', hasStatusList: true },
    'status_list_unsupported',
  ],
  ['RFC 8707 §2: a fragment', { identifier: 'https://new.example/#x' }, 'resource_malformed'],
  ['RFC 8707 §2: a relative reference', { identifier: '/new' }, 'resource_malformed'],
  ['a user in the URL', { identifier: 'https://me@new.example/' }, 'resource_malformed'],
  ['another spelling of a host', { identifier: 'https://NEW.example' }, 'resource_malformed'],
  ['dot segments', { identifier: 'https://new.example/a/../b' }, 'resource_malformed'],
  ['one character too many', { identifier: `https://new.example/${'x'.repeat(493)}` }, 'resource_malformed'],
  ['a scheme that runs code', { identifier: 'javascript:alert(1)' }, 'resource_malformed'],
  ['the identifier of another', { identifier: 'https://api.example' }, 'resource_taken'],
  ['one slash more than another', { identifier: 'https://api.example/' }, 'resource_taken'],
  ['RFC 8725 §3.9: the audience of another', { audience: 'plain' }, 'resource_taken'],
  ['RFC 8725 §3.9: the audience of another in other case', { audience: 'PLAIN' }, 'resource_taken'],
  ['an audience that is a URL', { audience: 'https://id.example' }, 'audience_invalid'],
  ['a scope that breaks the grammar', { scope: ['a"b'] }, 'scope_malformed'],
] as const)('a resource with %s is refused', (_, more, error) => {
  const others = [API, resource('https://named.example', { audience: 'plain' })];
  expect(decideCreateResource(others, { ...createResource, ...more }, moment)).toEqual({
    outcome: { ok: false, error },
    expects: [],
    writes: [],
  });
});

test.each([
  'https://new.example',
  'https://new.example/',
  'http://localhost:8401',
  'urn:example:orders',
  'api://orders/v1',
])('%s may be the identifier of a resource', (identifier) => {
  expect(decideCreateResource([], { ...createResource, identifier }, moment).outcome.ok).toBe(true);
});

test.each([
  [LIMITS.resourcesKeptMax - 1, true],
  [LIMITS.resourcesKeptMax, false],
])('with %d resources one more is made: %s', (count, isMade) => {
  const others = Array.from({ length: count }, (_, n) => resource(`https://api${n}.example`));
  expect(decideCreateResource(others, createResource, moment).outcome.ok).toBe(isMade);
});

const kept = (id: string, expiresAt?: number): OwnerSecret => ({
  id: id as SecretId,
  owner: client.id,
  hash: 'old' as Sha256,
  createdAt: 0 as EpochMilliseconds,
  expiresAt: expiresAt as EpochMilliseconds | undefined,
});
const rotation: RotateSecretCommand = { administrator, owner: client.id, secret, overlapSeconds: 60, adminApi };
const owner = { kind: 'client', client } as const;
const rotated = (seconds: number) => ({
  kind: 'audit.append',
  entry: {
    at: now,
    event: 'client.secret_rotated',
    actor: 'cli_admin',
    subject: { client: 'cli_new', secret: 'sec_new' },
    detail: { overlap_seconds: seconds },
  },
});

test('a rotated secret leaves the old ones until the overlap ends, and never longer than before', () => {
  const secrets = [kept('endless'), kept('soon', now + 1_000), kept('late', now + 90_000), kept('dead', now)];
  expect(decideRotateSecret({ owner, secrets }, rotation, moment)).toEqual({
    outcome: { ok: true, value: { oldSecretsEndAt: now + 60_000 } },
    expects: [],
    writes: [
      { kind: 'secret.remove', id: 'dead' },
      { kind: 'secret.expire', id: 'endless', at: now + 60_000 },
      { kind: 'secret.expire', id: 'late', at: now + 60_000 },
      { kind: 'secret.add', secret: stored('cli_new') },
      rotated(60),
    ],
  });
});

test('a resource server gets another secret beside the old one', () => {
  const whose = { kind: 'resource', resource: API } as const;
  const decided = decideRotateSecret({ owner: whose, secrets: [] }, { ...rotation, owner: API.id }, moment);
  expect(decided).toEqual({
    outcome: { ok: true, value: { oldSecretsEndAt: now + 60_000 } },
    expects: [],
    writes: [
      { kind: 'secret.add', secret: stored(API.id) },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'resource.secret_rotated',
          actor: 'cli_admin',
          subject: { resource: API.id, secret: secret.id },
          detail: { overlap_seconds: 60 },
        },
      },
    ],
  });
});

test('without an overlap the old secrets go at once', () => {
  const facts = { owner, secrets: [kept('one'), kept('two')] };
  expect(decideRotateSecret(facts, { ...rotation, overlapSeconds: 0 }, moment).writes).toEqual([
    { kind: 'secret.remove', id: 'one' },
    { kind: 'secret.remove', id: 'two' },
    { kind: 'secret.add', secret: stored('cli_new') },
    rotated(0),
  ]);
});

test.each([
  [LIMITS.secretsPerOwnerMax - 1, true],
  [LIMITS.secretsPerOwnerMax, false],
])('with %d live secrets a further one is made beside them: %s', (count, isMade) => {
  const secrets = Array.from({ length: count }, (_, n) => kept(`s${n}`));
  expect(decideRotateSecret({ owner, secrets }, rotation, moment).outcome.ok).toBe(isMade);
});

test.each([
  ['nobody', undefined, 'not_found'],
  ['a deleted client', { kind: 'client', client: { ...client, deletedAt: now } }, 'not_found'],
  ['a public client', { kind: 'client', client: { ...client, authentication: 'none' } }, 'client_without_secret'],
  ['a resource of the server itself', { kind: 'resource', resource: ADMIN }, 'built_in'],
  [
    'an administrator who may do more',
    { kind: 'client', client: { ...client, resources: [ADMIN.identifier], scope: ['keys:write'] } },
    'scope_insufficient',
  ],
] as const)('no secret is made for %s', (_, whose, error) => {
  expect(decideRotateSecret({ owner: whose, secrets: [] }, rotation, moment)).toEqual({
    outcome: { ok: false, error },
    expects: [],
    writes: [],
  });
});

test('a deleted client: row, secrets, one cut-off and audit in one', () => {
  expect(
    decideDeleteClient({ client, secrets: [kept('one')] }, { administrator, id: client.id, adminApi }, moment),
  ).toEqual({
    outcome: { ok: true, value: { ...client, deletedAt: now } },
    expects: [],
    writes: [
      { kind: 'client.delete', id: 'cli_new', at: now },
      { kind: 'secret.remove', id: 'one' },
      { kind: 'revocation.emit', event: { kind: 'client', id: 'cli_new', exp: 4_780 as EpochSeconds } },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'client.deleted',
          actor: 'cli_admin',
          subject: { client: 'cli_new' },
          detail: { name: 'Job' },
        },
      },
    ],
  });
});

test.each([undefined, { ...client, deletedAt: now }])(
  'a client that is not there, or not any more, is not deleted',
  (gone) => {
    expect(
      decideDeleteClient({ client: gone, secrets: [] }, { administrator, id: client.id, adminApi }, moment).outcome,
    ).toEqual({
      ok: false,
      error: 'not_found',
    });
  },
);

test('nobody deletes a client that may do more in the admin API than they may', () => {
  const deletes = (scope: readonly string[]) =>
    decideDeleteClient(
      { client: { ...client, resources: [ADMIN.identifier], scope }, secrets: [] },
      { administrator, id: client.id, adminApi },
      moment,
    ).outcome;
  expect(deletes(['keys:write'])).toEqual({ ok: false, error: 'scope_insufficient' });
  expect(deletes(['accounts:read']).ok).toBe(true);
});

test('the client of our own command line stays: it belongs to the server', () => {
  const own = { ...client, id: COMMAND_LINE.clientId };
  expect(decideDeleteClient({ client: own, secrets: [] }, { administrator, id: own.id, adminApi }, moment)).toEqual({
    outcome: { ok: false, error: 'built_in' },
    expects: [],
    writes: [],
  });
});

const ENCRYPTION_KEY = { kty: 'OKP', alg: 'ECDH-ES+A256KW', kid: 'k', crv: 'X25519', x: 'x', use: 'enc' } as const;
test.each([
  ['signed ones', API, {}],
  ['encrypted ones', { ...API, format: 'jwe', encryptionKey: ENCRYPTION_KEY }, {}],
  ['opaque ones, as soon as they are signed', { ...API, format: 'opaque' }, { format: 'jwt' }],
] as const)('TSL §6.1: tokens that others can read may have a status list: %s', (_, facts, more) => {
  const changes = { hasStatusList: true, ...more };
  const { outcome } = decideUpdateResource(facts, { ...updateResource, changes }, moment);
  expect(outcome.ok && outcome.value.hasStatusList).toBe(true);
});

const updateResource = { administrator, id: API.id, changes: { name: 'Orders', scope: ['read', 'read', 'pay'] } };

test('a resource is changed as far as changes are given, in a new version', () => {
  const updated = { ...API, name: 'Orders', scope: ['read', 'pay'], version: 2 };
  expect(decideUpdateResource(API, updateResource, moment)).toEqual({
    outcome: { ok: true, value: updated },
    expects: [],
    writes: [
      { kind: 'resource.update', resource: updated },
      {
        kind: 'audit.append',
        entry: {
          at: moment.now,
          event: 'resource.updated',
          actor: administrator.id,
          subject: { resource: API.id },
          detail: { changed: 'name scope' },
        },
      },
    ],
  });
});

test.each([
  ['one that is not there', undefined, {}, 'not_found'],
  ['one that came with the server', ADMIN, {}, 'built_in'],
  ['a scope that is no name', API, { scope: ['a b'] }, 'scope_malformed'],
  ['encrypted tokens without a key', API, { format: 'jwe' }, 'encryption_key_missing'],
  ['a status list, and opaque', API, { format: 'opaque', hasStatusList: true }, 'status_list_unsupported'],
  ['opaque with a status list', { ...API, hasStatusList: true }, { format: 'opaque' }, 'status_list_unsupported'],
  ['HS256 with a status list', { ...API, hasStatusList: true }, { algorithm: 'HS256' }, 'status_list_unsupported'],
  [
    'a status list for HS256 inside encrypted tokens',
    { ...API, format: 'jwe', encryptionKey: ENCRYPTION_KEY, algorithm: 'HS256' },
    { hasStatusList: true },
    'status_list_unsupported',
  ],
  [
    'one scope more than a resource may know',
    API,
    { scope: Array.from({ length: LIMITS.scopeNamesMax + 1 }, (_, n) => `s${n}`) },
    'scope_malformed',
  ],
] as const)('changes of a resource are refused: %s', (_, facts, changes, error) => {
  expect(decideUpdateResource(facts, { ...updateResource, changes }, moment)).toEqual({
    outcome: { ok: false, error },
    expects: [],
    writes: [],
  });
});

test('a resource asks for no claim that its tokens must not carry, when it is made and when it is changed', () => {
  const claims = [{ claim: 'password', from: 'plan' }];
  const refusal = { outcome: { ok: false, error: 'claim_sensitive' }, writes: [], detail: expect.any(String) };
  expect(decideCreateResource([], { ...createResource, claims }, moment)).toMatchObject(refusal);
  expect(decideUpdateResource(API, { ...updateResource, changes: { claims } }, moment)).toMatchObject(refusal);
});

test('a resource is looked up by its id when it is changed', async () => {
  const read = { resourceById: async (id: string) => (id === API.id ? API : undefined) };
  expect(await loadUpdateResource(read, updateResource)).toBe(API);
});
