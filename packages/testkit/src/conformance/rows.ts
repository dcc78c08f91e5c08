import type { Account, Identifier } from '@latchkey/domain/accounts/account';
import type { AccountMetadata } from '@latchkey/domain/accounts/metadata';
import type { Profile } from '@latchkey/domain/accounts/profile';
import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import type { Period } from '@latchkey/domain/api-keys/period';
import { periodOf } from '@latchkey/domain/api-keys/quota';
import type { StoredLease } from '@latchkey/domain/api-keys/stored-lease';
import type { AddedUsage } from '@latchkey/domain/api-keys/usage';
import type { VerifierInstance } from '@latchkey/domain/api-keys/verifier-instance';
import type { AuditEntry } from '@latchkey/domain/audit';
import type { AuthorizationCode } from '@latchkey/domain/authorization/code';
import type { Consent } from '@latchkey/domain/authorization/consent';
import type { Client, OwnerSecret } from '@latchkey/domain/clients/client';
import { PLAIN_RESOURCE, type Resource } from '@latchkey/domain/clients/resource';
import type { SharedSecret } from '@latchkey/domain/keys/shared-secret';
import type { MacKey, SigningKey } from '@latchkey/domain/keys/signing-key';
import type { ClientLogin, OwnLogin } from '@latchkey/domain/login/attempt';
import type { OneTimeLink } from '@latchkey/domain/login/one-time-link';
import type { Session, SessionCookie } from '@latchkey/domain/login/session';
import type { RefreshState, TokenFamily } from '@latchkey/domain/tokens/family';
import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import { type IdPrefix, type Ids, makeId } from '@latchkey/protocol/ids';
import {
  type ClientId,
  type EpochMilliseconds,
  type EpochSeconds,
  later,
  type NormalisedIdentifier,
  type ResourceId,
  type ResourceIdentifier,
  type Sealed,
  type Sha256,
  seconds,
} from '@latchkey/protocol/types';
import { NOW } from './conformance-case.ts';

/** The nth id of a kind; later numbers sort later. */
export const idOf = <P extends IdPrefix>(prefix: P, number: number): Ids[P] =>
  makeId(prefix, NOW, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, number >> 8, number & 255));

export const after = (milliseconds: number): EpochMilliseconds => later(NOW, milliseconds);

const DAY = 86_400_000;

export const account = (number: number): Account => ({
  id: idOf('acc', number),
  version: 1,
  createdAt: NOW,
  disabledAt: undefined,
  cutOff: undefined,
});

export const identifier = (number: number, name = `person-${number}`): Identifier => ({
  accountId: idOf('acc', number),
  kind: 'username',
  normalised: name as NormalisedIdentifier,
  display: name.toUpperCase(),
  verifiedAt: undefined,
});

export const profile = (number: number, more: Partial<Profile> = {}): Profile => ({
  accountId: idOf('acc', number),
  version: 1,
  claims: { name: 'Ada “L” Ångström', address: { formatted: 'Line 1\nLine 2', country: 'NO' } },
  updatedAt: NOW,
  ...more,
});

export const metadata = (number: number, more: Partial<AccountMetadata> = {}): AccountMetadata => ({
  accountId: idOf('acc', number),
  version: 1,
  tenant: 'acme',
  values: { beta: true, plan: 'größte', regions: ['north', 'south'], seats: 12.5 },
  ...more,
});

export const session = (number: number, more: Partial<Session> = {}): Session => ({
  id: idOf('ses', number),
  version: 1,
  accountId: idOf('acc', 1),
  createdAt: NOW,
  expiresAt: after(DAY),
  authTime: seconds(NOW),
  amr: ['pwd'],
  acr: 'one factor',
  address: '192.0.2.1',
  userAgent: 'Browser “1”',
  pos: { epoch: 5, seq: 7 },
  ended: undefined,
  cookie: undefined,
  ...more,
});

export const refreshState = (more: Partial<RefreshState> = {}): RefreshState => ({
  generation: 0,
  rotatedAt: NOW,
  lastUsedAt: NOW,
  idleSeconds: 3600,
  overlapMilliseconds: 0,
  attemptHash: undefined,
  overlapUses: 0,
  overlapStreak: 0,
  macKeyId: 1,
  seed: Uint8Array.of(0, 1, 2, 255) as Sealed,
  ...more,
});

export const family = (number: number, more: Partial<TokenFamily> = {}): TokenFamily => ({
  id: idOf('fam', number),
  accountId: idOf('acc', 1),
  clientId: idOf('cli', 1),
  sessionId: idOf('ses', 1),
  beganIn: idOf('ses', 1),
  pairwise: undefined,
  scope: ['read', 'write'],
  resources: [API],
  idTokenClaims: [],
  delivery: 'body',
  cnf: undefined,
  authenticated: undefined,
  createdAt: NOW,
  expiresAt: after(DAY),
  pos: { epoch: 5, seq: 7 },
  ended: undefined,
  refresh: refreshState(),
  ...more,
});

/** The record of an opaque token. */
export const tokenRecord = (number: number, more: Partial<TokenRecord> = {}): TokenRecord => ({
  jti: idOf('tok', number),
  opaque: { handle: `handle-${number}` as Sha256, macKeyId: 1 },
  clientId: idOf('cli', 1),
  resourceId: idOf('res', 1),
  status: undefined,
  claims: {
    iss: 'https://id.example',
    sub: idOf('acc', 1),
    aud: API,
    client_id: idOf('cli', 1),
    jti: idOf('tok', number),
    iat: seconds(NOW),
    exp: seconds(after(300_000)),
    pos: '5:7',
    scope: 'read “1”',
    cnf: { jkt: 'thumbprint' },
  },
  expiresAt: after(300_000),
  ...more,
});

export const API = 'https://api.example/orders' as ResourceIdentifier;
export const ADMIN_API = 'https://id.example/admin/api' as ResourceIdentifier;

export const client = (number: number, more: Partial<Client> = {}): Client => ({
  id: idOf('cli', number),
  version: 1,
  name: 'Job “nightly”',
  createdAt: NOW,
  deletedAt: undefined,
  authentication: 'client_secret_basic',
  firstParty: false,
  grantTypes: ['client_credentials', 'refresh_token'],
  scope: ['read', 'write'],
  resources: [API],
  origins: ['https://app.example'],
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
  ...more,
});

export const resource = (number: number, more: Partial<Resource> = {}): Resource => ({
  id: idOf('res', number),
  version: 1,
  identifier: `https://api-${number}.example` as ResourceIdentifier,
  audience: `api-${number}`,
  name: 'Orders',
  createdAt: NOW,
  scope: ['read', 'write'],
  algorithm: 'ES256',
  tokenType: 'at+jwt',
  accessTokenSeconds: 300,
  ...PLAIN_RESOURCE,
  builtIn: false,
  ...more,
});

export const secret = (number: number, owner: ClientId | ResourceId, expiresAt?: EpochMilliseconds): OwnerSecret => ({
  id: idOf('sec', number),
  owner,
  hash: `hash-${number}` as Sha256,
  createdAt: NOW,
  expiresAt,
});

export const apiKey = (number: number, more: Partial<ApiKey> = {}): ApiKey => ({
  id: idOf('key', number),
  version: 1,
  owner: idOf('acc', 1),
  environment: 'live',
  name: 'Import “nightly”',
  resource: API,
  scope: ['read'],
  tenant: undefined,
  networks: [],
  quota: undefined,
  rate: undefined,
  metadata: {},
  secretHash: `key-${number}` as Sha256,
  previous: undefined,
  createdAt: NOW,
  expiresAt: after(DAY),
  pos: { epoch: 5, seq: 7 },
  ended: undefined,
  ...more,
});

export const cookie = (number: number, more: Partial<SessionCookie> = {}): SessionCookie => ({
  hash: `cookie-${number}` as Sha256,
  idleSeconds: 3600,
  seenAt: NOW,
  ...more,
});

export const request = (more: Partial<AuthorizationRequest> = {}): AuthorizationRequest => ({
  clientId: idOf('cli', 1),
  redirectUri: 'https://app.example/callback',
  isRedirectUriGiven: true,
  responseMode: 'query',
  state: 'state “1”',
  scope: ['openid', 'read'],
  resources: [],
  nonce: 'nonce',
  codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  prompt: [],
  maxAge: undefined,
  loginHint: undefined,
  uiLocales: [],
  acrValues: [],
  essentialAcr: undefined,
  claims: undefined,
  idTokenHint: undefined,
  subject: undefined,
  ...more,
});

export const attempt = (number: number, more: Partial<ClientLogin> = {}): ClientLogin => ({
  id: idOf('att', number),
  version: 1,
  browser: `browser-${number}` as Sha256,
  request: request(),
  progress: { stage: 'begun' },
  createdAt: NOW,
  expiresAt: after(600_000),
  ...more,
});

/** A login to one of our own pages. */
export const ownLogin = (number: number, more: Partial<OwnLogin> = {}): OwnLogin => ({
  id: idOf('att', number),
  version: 1,
  browser: `browser-${number}` as Sha256,
  page: { path: '/account', maxAge: undefined },
  progress: { stage: 'begun' },
  createdAt: NOW,
  expiresAt: after(600_000),
  ...more,
});

export const link = (number: number, more: Partial<OneTimeLink> = {}): OneTimeLink => ({
  hash: `link-${number}` as Sha256,
  purpose: 'reset_password',
  subject: idOf('acc', number),
  accountId: idOf('acc', number),
  address: undefined,
  attemptId: undefined,
  createdAt: NOW,
  expiresAt: after(600_000),
  ...more,
});

export const code = (number: number, more: Partial<AuthorizationCode> = {}): AuthorizationCode => ({
  hash: `code-${number}` as Sha256,
  clientId: idOf('cli', 1),
  accountId: idOf('acc', 1),
  sessionId: idOf('ses', 1),
  familyId: idOf('fam', 9),
  redirectUri: 'https://app.example/callback',
  isRedirectUriGiven: true,
  scope: ['openid', 'read'],
  resources: [API],
  idTokenClaims: [],
  nonce: 'nonce',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  authTime: seconds(NOW),
  amr: ['pwd'],
  acr: undefined,
  wrongTries: 0,
  createdAt: NOW,
  expiresAt: after(60_000),
  redeemedAt: undefined,
  ...more,
});

export const consent = (more: Partial<Consent> = {}): Consent => ({
  accountId: idOf('acc', 1),
  clientId: idOf('cli', 1),
  scope: ['openid', 'read'],
  resources: [API],
  givenAt: NOW,
  ...more,
});

export const signingKey = (kid: string, more: Partial<SigningKey> = {}): SigningKey => ({
  kid,
  algorithm: 'ES256',
  state: 'next',
  jwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid, alg: 'ES256', use: 'sig' },
  sealedPrivate: Uint8Array.of(1, 2, 3) as Sealed,
  createdAt: NOW,
  since: NOW,
  ...more,
});

export const sharedSecret = (number: number, more: Partial<SharedSecret> = {}): SharedSecret => ({
  kid: `shared-${number}`,
  resourceId: idOf('res', 1),
  sealed: Uint8Array.of(7, 8, number) as Sealed,
  createdAt: later(NOW, number),
  activeAt: later(NOW, number),
  retiresAt: undefined,
  ...more,
});

export const macKey = (id: number, more: Partial<MacKey> = {}): MacKey => ({
  id,
  state: 'current',
  sealed: Uint8Array.of(4, 5, 6) as Sealed,
  createdAt: NOW,
  ...more,
});

export const entry = (subject: AuditEntry['subject'], more: Partial<AuditEntry> = {}): AuditEntry => ({
  at: NOW,
  event: 'logout',
  actor: 'server',
  subject,
  detail: { reason: 'logout', count: 2, forced: true },
  ...more,
});

/** The nth day after today. */
export const day = (number: number): Period => periodOf('day', after(number * DAY));

export const lease = (number: number, more: Partial<StoredLease> = {}): StoredLease => ({
  id: `lease.${number}`,
  apiKey: idOf('key', 1),
  resourceId: idOf('res', 1),
  instance: 'v1',
  startsAt: day(0).startsAt,
  uses: 50,
  until: (seconds(NOW) + 60) as EpochSeconds,
  ...more,
});

export const usage = (number: number, startsAt: EpochSeconds, more: Partial<AddedUsage> = {}): AddedUsage => ({
  apiKey: idOf('key', number),
  resourceId: idOf('res', 1),
  startsAt,
  allowed: 10,
  refused: 1,
  usedAt: NOW,
  ...more,
});

export const verifier = (number: number, more: Partial<VerifierInstance> = {}): VerifierInstance => ({
  instance: `v${number}`,
  resourceId: idOf('res', 1),
  number: 1,
  answer: { leases: [], rates: [{ api_key: idOf('key', 1), verifiers: 2 }] },
  seenAt: NOW,
  ...more,
});
