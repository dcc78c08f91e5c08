import { createECDH, createHash, createPrivateKey } from 'node:crypto';
import { identifierOf, parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { FAILURES_MAX } from '@latchkey/domain/accounts/throttle';
import type { Client } from '@latchkey/domain/clients/client';
import { PLAIN_RESOURCE, type Resource } from '@latchkey/domain/clients/resource';
import type { Candidate } from '@latchkey/domain/keys/rotation';
import { firstRefresh, type TokenFamily } from '@latchkey/domain/tokens/family';
import type { Write } from '@latchkey/domain/write';
import { makeId } from '@latchkey/protocol/ids';
import type { PublicJwk } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, later, type ResourceIdentifier, seconds } from '@latchkey/protocol/types';
import { secretHash } from '@latchkey/server/prove/secret';
import { createSealer, csrfKey as csrfKeyOf } from '@latchkey/server/seal/aead';
import { macKeyPlace, seedPlace, signingKeyPlace } from '@latchkey/server/seal/places';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import { encodeBase64url } from '@latchkey/tokens/formats/base64url';
import { thumbprint } from '@latchkey/tokens/keys/thumbprint';
import { BEGINNING } from './clock.ts';

export const ISSUER = 'https://id.example';
export const PASSWORD = 'a passphrase that nobody guesses';
export const CLIENT_SECRET = 'lk_cs_of_the_simulation';
export const RESOURCE_SECRET = 'lk_rs_of_the_simulation';
export const ORIGIN = ISSUER;

/** Bytes that look like chance and are the same every time. */
const fixed = (name: string, count = 32): Uint8Array =>
  new Uint8Array(createHash('sha512').update(name).digest()).subarray(0, count);

const kek = fixed('key-encryption key');
export const seal = createSealer(kek);
export const csrfKey = csrfKeyOf(kek);

const born = (BEGINNING - 86_400_000) as EpochMilliseconds;

/** A P-256 key of a fixed number, so that its `kid` is the same in every run. */
export function signingKey(name: string): Candidate {
  const d = fixed(`signing key ${name}`);
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(d);
  const point = pair.getPublicKey();
  const pub = {
    kty: 'EC',
    crv: 'P-256',
    x: encodeBase64url(point.subarray(1, 33)),
    y: encodeBase64url(point.subarray(33)),
  };
  const kid = thumbprint(pub);
  const jwk = { ...pub, kid, alg: 'ES256', use: 'sig' } as unknown as PublicJwk;
  const pkcs8 = createPrivateKey({ key: { ...pub, d: encodeBase64url(d) }, format: 'jwk' }).export({
    format: 'der',
    type: 'pkcs8',
  });
  return { kid, jwk, sealedPrivate: seal.seal(signingKeyPlace(kid), pkcs8) };
}

const id = <P extends 'acc' | 'cli' | 'fam' | 'res' | 'sec'>(prefix: P, name: string) =>
  makeId(prefix, born, fixed(name, 10));

const resource = (name: string, identifier: string, builtIn: boolean): Resource => ({
  id: id('res', name),
  version: 1,
  identifier: identifier as ResourceIdentifier,
  audience: identifier,
  name,
  createdAt: born,
  scope: builtIn ? [] : ['read'],
  algorithm: 'ES256',
  tokenType: 'at+jwt',
  accessTokenSeconds: builtIn ? 300 : 3_600,
  ...PLAIN_RESOURCE,
  builtIn,
});

export const API = resource('api', 'https://api.example', false);
const OWN = resource('own', ISSUER, true);

const client = (name: string, given: Partial<Client>): Client => ({
  id: id('cli', name),
  version: 1,
  name,
  createdAt: born,
  deletedAt: undefined,
  authentication: 'none',
  firstParty: true,
  grantTypes: ['refresh_token'],
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
  ...given,
});

const confidential = { authentication: 'client_secret_basic', firstParty: false } as const;
export const CLIENTS = {
  /** People sign in with it; public, with tokens in the body or in cookies. */
  app: client('app', {}),
  /** A server-side application, which proves itself by a secret. */
  backend: client('backend', confidential),
  /** The same, whose refresh tokens are kept and not rotated. */
  keeper: client('keeper', { ...confidential, refreshPolicy: 'keep' }),
  /** A public one of our own, which sends people to the pages. */
  portal: client('portal', {
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: ['openid', 'read'],
    redirectUris: ['https://portal.example/callback'],
    idTokenAlgorithm: 'ES256',
  }),
  /** A confidential one of somebody else, which does the same, and may have what a person allows it. */
  shop: client('shop', {
    ...confidential,
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: ['openid', 'read', 'offline_access'],
    redirectUris: ['https://shop.example/callback'],
    idTokenAlgorithm: 'ES256',
  }),
} as const;

export const PEOPLE = ['alice', 'bob'] as const;
export const accountOf = (name: string) => id('acc', name);

function person(name: string): readonly Write[] {
  const parsed = parseIdentifier(name);
  if (parsed === undefined) throw new Error('no name');
  const account = { id: accountOf(name), version: 1, createdAt: born, disabledAt: undefined, cutOff: undefined };
  return [
    { kind: 'account.create', account, identifiers: [identifierOf(parsed, account.id)] },
    { kind: 'password.set', id: account.id, phc: phcOf(PASSWORD), at: born },
  ];
}

/** What stands for a password hash: the work of a real one is no part of what is simulated. */
export const phcOf = (password: string): string => `$simulated$${password}`;

const secretOf = (owner: Client['id'] | Resource['id'], secret: string): Write => ({
  kind: 'secret.add',
  secret: { id: id('sec', owner), owner, hash: secretHash(secret), createdAt: born, expiresAt: undefined },
});

const key = (name: string, state: 'current' | 'next'): Write => ({
  kind: 'key.create',
  key: {
    ...signingKey(name),
    algorithm: 'ES256',
    state,
    createdAt: later(born, state === 'next' ? 1 : 0),
    since: born,
  },
});

type State = MemoryStore['committed'];

async function stateAfter(before: State | undefined, writes: readonly Write[]): Promise<State> {
  const store = createMemoryStore({ now: () => born });
  if (before !== undefined) store.restore(before);
  await store.transact((tx) => tx.apply([], writes));
  return store.committed;
}

/** The database with which a history begins. It never changes, so all histories share it. */
const FIRST_STATE: State = await (async () => {
  const writes: readonly Write[] = [
    ...[OWN, API].map((one): Write => ({ kind: 'resource.create', resource: one })),
    secretOf(API.id, RESOURCE_SECRET),
    ...Object.values(CLIENTS).map((one): Write => ({ kind: 'client.create', client: one })),
    secretOf(CLIENTS.backend.id, CLIENT_SECRET),
    secretOf(CLIENTS.keeper.id, CLIENT_SECRET),
    secretOf(CLIENTS.shop.id, CLIENT_SECRET),
    ...PEOPLE.flatMap(person),
    key('first', 'current'),
    key('second', 'next'),
    {
      kind: 'mac_key.create',
      key: { id: 1, state: 'current', sealed: seal.seal(macKeyPlace(1), fixed('mac')), createdAt: born },
    },
  ];
  return stateAfter(undefined, writes);
})();

/** Whose password is nearly guessed to its end, and at whom a client has nearly all the families that it may have. */
const [VICTIM] = PEOPLE;
const GUESSES = FAILURES_MAX - 1;

const guessed = Array.from(
  { length: GUESSES },
  (): Write => ({ kind: 'password.fail', id: accountOf(VICTIM), at: born }),
);

const crowd: readonly Write[] = [
  {
    kind: 'consent.store',
    consent: {
      accountId: accountOf(VICTIM),
      clientId: CLIENTS.shop.id,
      scope: ['read', 'offline_access'],
      resources: [API.identifier],
      givenAt: born,
    },
  },
  ...Array.from({ length: LIMITS.familiesPerClientMax - 1 }, (_, index): Write => {
    const familyId = id('fam', `crowd ${index}`);
    const family: TokenFamily = {
      id: familyId,
      accountId: accountOf(VICTIM),
      clientId: CLIENTS.shop.id,
      sessionId: undefined,
      beganIn: undefined,
      pairwise: undefined,
      idTokenClaims: [],
      scope: ['read', 'offline_access'],
      resources: [API.identifier],
      delivery: 'body',
      cnf: undefined,
      authenticated: { authTime: seconds(born), amr: ['pwd'], acr: undefined },
      createdAt: born,
      expiresAt: later(born, 30 * 86_400_000),
      pos: FIRST_STATE.position,
      ended: undefined,
      refresh: firstRefresh(
        { idleSeconds: 30 * 86_400, macKeyId: 1, seed: seal.seal(seedPlace(familyId), fixed(familyId, 16)) },
        born,
      ),
    };
    return { kind: 'family.start', family };
  }),
];

/** What has gone on before a history. */
export interface Past {
  readonly state: State;
  /** Wrong guesses in a row at a person's password. */
  readonly guesses: Readonly<Record<string, number>>;
}

export const QUIET: Past = { state: FIRST_STATE, guesses: {} };
export const CROWDED: Past = { state: await stateAfter(FIRST_STATE, crowd), guesses: {} };
export const GUESSED: Past = {
  state: await stateAfter(FIRST_STATE, guessed),
  guesses: { [VICTIM]: GUESSES },
};
