import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds, NormalisedIdentifier, ResourceIdentifier, Sealed, Sha256 } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadCreateAccount } from './accounts/create-account.ts';
import { loadDisableAccount, loadEnableAccount } from './accounts/disable-account.ts';
import { loadSetPassword } from './accounts/set-password.ts';
import { loadSetProfile } from './accounts/set-profile.ts';
import { loadEndSession } from './administration/end-session.ts';
import { loadRevokeFamily, loadRevokeToken } from './administration/revoke-token.ts';
import { loadRole } from './administration/roles.ts';
import { loadAdvance } from './authorization/advance.ts';
import { proved } from './clients/client.ts';
import { loadCreateClient } from './clients/create-client.ts';
import { loadCreateResource } from './clients/create-resource.ts';
import { loadDeleteClient } from './clients/delete-client.ts';
import { loadClientSecrets, loadResourceSecrets } from './clients/rotate-secret.ts';
import { loadRedeem } from './grants/authorization-code.ts';
import { loadClientCredentials } from './grants/client-credentials.ts';
import { loadRefresh } from './grants/refresh-token.ts';
import { loadAnswersUnderMacKey, loadMacRing, loadUnderMacKey } from './keys/mac-rotation.ts';
import { loadRing } from './keys/rotation.ts';
import { loadLogIn } from './login/log-in.ts';
import { loadLogout } from './login/logout.ts';
import { loadSignIn } from './login/sign-in.ts';
import { loadAccessTokenFacts } from './tokens/access-token-life.ts';
import { loadRevokeAccessToken, loadRevokeRefreshToken } from './tokens/revocation.ts';

/** What each decision is shown: the rows that its command names, and those on which they depend. */

const [account, client] = [row.account(1), row.client(1, { sector: 'app.example' })];
const session = row.session(1, { cookie: row.cookie(1) });
const family = row.family(1);
const offline = row.family(2, { sessionId: undefined });
const bare = row.family(3, { refresh: undefined, pairwise: { subject: 'one', sid: row.idOf('fam', 3) } });
const pairwise = [bare];
const resource = row.resource(1, { identifier: row.API });
const issuer = row.resource(2, { identifier: 'https://id.example' as ResourceIdentifier });
const role = { accountId: account.id, resource: row.API, role: 'editor' };
const metadata = row.metadata(1);
const credential = {
  accountId: account.id,
  version: 1,
  phc: '$',
  changedAt: NOW,
  failures: 0,
  lastFailureAt: undefined,
};
const secret = row.secret(1, client.id);
const verifierSecret = row.secret(2, resource.id);
const event = { kind: 'token', id: row.idOf('tok', 1), exp: (NOW / 1000 + 60) as EpochSeconds } as const;
const summary = { ...session, lastSeenAt: NOW };
const administrator = { id: 'cli_admin', scope: [] };
const attempt = row.attempt(1);
const authenticated = row.attempt(2, { progress: { stage: 'authenticated', sessionId: session.id } });
const consent = row.consent();
const code = row.code(1, { familyId: family.id });
const spent = row.code(2, { familyId: family.id });
const nobody = { account: undefined, client: undefined, session: undefined };

let store: MemoryStore;
let moment: Awaited<ReturnType<MemoryStore['read']['moment']>>;
beforeAll(async () => {
  store = createMemoryStore({ now: () => NOW });
  await put(
    store,
    { kind: 'account.create', account, identifiers: [row.identifier(1)] },
    { kind: 'password.set', id: account.id, phc: '$', at: NOW },
    { kind: 'profile.set', profile: row.profile(1) },
    { kind: 'client.create', client },
    { kind: 'secret.add', secret },
    { kind: 'resource.create', resource },
    { kind: 'resource.create', resource: issuer },
    { kind: 'secret.add', secret: verifierSecret },
    { kind: 'role.grant', role },
    { kind: 'account_metadata.set', metadata },
    { kind: 'session.start', session },
    { kind: 'family.start', family },
    { kind: 'family.start', family: offline },
    { kind: 'family.start', family: bare },
    { kind: 'subject.assign', sector: 'app.example', accountId: account.id, subject: 'one' },
    { kind: 'key.create', key: row.signingKey('es') },
    { kind: 'key.create', key: row.signingKey('rs', { algorithm: 'RS256' }) },
    { kind: 'mac_key.create', key: row.macKey(1) },
    { kind: 'mac_key.create', key: row.macKey(2) },
    { kind: 'revocation.emit', event },
    { kind: 'token.record', record: row.tokenRecord(2), max: 1 },
    { kind: 'attempt.store', attempt },
    { kind: 'attempt.store', attempt: authenticated },
    { kind: 'consent.store', consent },
    { kind: 'code.issue', code },
    { kind: 'code.issue', code: spent },
    { kind: 'code.redeem', hash: spent.hash, at: NOW },
  );
  moment = await store.read.moment();
});

/** Stands for the comparison with a family's seed, which only the server can make. */
const ifSeed = (wanted: Sealed) => (seed: Sealed) => seed === wanted;
const seed = row.refreshState().seed;

describe('of refresh tokens', () => {
  const command = (familyId: typeof family.id, resources: readonly ResourceIdentifier[] = []) =>
    ({ familyId, resources }) as unknown as Parameters<typeof loadRefresh>[1];
  const loaded = async (familyId: typeof family.id, resources: readonly ResourceIdentifier[] = []) => {
    const stored = (await store.read.family(familyId))?.refresh?.seed ?? seed;
    return loadRefresh(store.read, command(familyId, resources), ifSeed(stored));
  };

  test('a refresh sees the family, all that it depends on, and its first resource', async () => {
    expect(await loaded(family.id)).toEqual({
      family,
      seedMatches: true,
      account,
      client,
      session,
      resource,
      roles: [role],
      metadata,
    });
    const other = await loadRefresh(store.read, command(family.id), () => false);
    expect(other.seedMatches).toBe(false);
  });

  test('a refresh sees the resource that is asked for, and the roles there', async () => {
    expect(await loaded(offline.id, [issuer.identifier])).toMatchObject({
      session: undefined,
      resource: issuer,
      roles: [],
    });
  });

  test('a family that covers nothing has no resource', async () => {
    const nothing = createMemoryStore({ now: () => NOW });
    await put(nothing, { kind: 'family.start', family: { ...family, resources: [] } });
    const facts = await loadRefresh(nothing.read, command(family.id), () => true);
    expect(facts).toMatchObject({ ...nobody, resource: undefined, roles: [] });
  });

  test('RT-15: of a family that is not there, or has no refresh token, nothing is read', async () => {
    const none = { family: undefined, seedMatches: false, ...nobody, resource: undefined, roles: [] };
    expect(await loaded(row.idOf('fam', 9))).toEqual(none);
    expect(await loaded(bare.id)).toEqual(none);
  });

  test.each([
    ['a logout', (id: typeof family.id) => loadLogout(store.read, { familyId: id, delivery: 'body' }, () => true)],
    ['a revocation', (id: typeof family.id) => loadRevokeRefreshToken(store.read, id, () => true)],
  ])('%s sees the family and all that it depends on', async (what, load) => {
    const more = what === 'a logout' ? { pairwise } : {};
    const none = what === 'a logout' ? { pairwise: [] } : {};
    const seen = { seedMatches: true, account, client, session, ...more };
    expect(await load(family.id)).toEqual({ family, ...seen });
    expect(await load(offline.id)).toEqual({ family: offline, ...seen, session: undefined });
    expect(await load(bare.id)).toEqual({ family: bare, ...seen, seedMatches: false });
    expect(await load(row.idOf('fam', 9))).toEqual({ family: undefined, seedMatches: false, ...nobody, ...none });
  });

  test('the end of a family by an administrator sees all that it depends on', async () => {
    const load = (id: typeof family.id) => loadRevokeFamily(store.read, { administrator, id });
    expect(await load(family.id)).toEqual({ family, account, client, session });
    expect(await load(offline.id)).toEqual({ family: offline, account, client, session: undefined });
    expect(await load(row.idOf('fam', 9))).toEqual({ family: undefined, ...nobody });
  });
});

describe('of access tokens', () => {
  const claims = {
    iss: 'https://id.example',
    sub: account.id,
    aud: row.API,
    client_id: client.id,
    jti: event.id,
    iat: 0 as EpochSeconds,
    exp: 1 as EpochSeconds,
  };
  const events = [{ epoch: NOW / 1000, seq: 1, ...event }];

  test('all that it names is read, and the events that name it', async () => {
    const whole = { ...claims, sid: session.id, fid: family.id };
    const found = await loadAccessTokenFacts(store.read, whole, moment);
    expect(found).toEqual({ account, client, session, family, events });
    expect(await loadAccessTokenFacts(store.read, claims, moment)).toEqual({
      ...found,
      session: undefined,
      family: undefined,
    });
  });

  test('APK-05: of one that was made of a key, the key with its owner, and the client that it is about', async () => {
    const ofKey = { ...claims, sub: client.id, client_id: row.idOf('key', 1), api_key: row.idOf('key', 1) };
    const found = await loadAccessTokenFacts(store.read, ofKey, moment);
    expect(found).toEqual({ ...nobody, family: undefined, owner: client, apiKey: undefined, events });
  });

  test('names that are none of ours are looked up nowhere', async () => {
    const strange = { ...claims, sub: client.id, client_id: 'x', sid: family.id, fid: session.id, jti: '' };
    expect(await loadAccessTokenFacts(store.read, strange, moment)).toEqual({
      ...nobody,
      family: undefined,
      events: [],
    });
  });

  test('its end by an administrator sees what it depends on only where the token was at hand', async () => {
    const command = { administrator, id: event.id };
    const access = { account, client, session: undefined, family: undefined, events };
    expect(await loadRevokeToken(store.read, { ...command, claims }, moment)).toEqual({ events, access });
    expect(await loadRevokeToken(store.read, { ...command, claims: undefined }, moment)).toEqual({
      events,
      access: undefined,
    });
  });

  test('its end sees what is kept of it, and an id alone is enough then', async () => {
    const record = row.tokenRecord(2);
    const access = { account, client, session: undefined, family: undefined, events: [] };
    const byId = { administrator, id: record.jti, claims: undefined };
    expect(await loadRevokeToken(store.read, byId, moment)).toEqual({ events: [], record, access });
    const asked = { client: proved(client), claims: record.claims, isFlood: false };
    expect(await loadRevokeAccessToken(store.read, asked, moment)).toEqual({ ...access, record });
    const strange = { ...asked, claims: { ...record.claims, jti: 'x' } };
    expect(await loadRevokeAccessToken(store.read, strange, moment)).toEqual({ ...access, record: undefined });
  });
});

describe('of people', () => {
  test('a login sees the account, its password, the client, its default resource and what makes room', async () => {
    const command = {
      clientId: client.id,
      proof: { result: 'match', accountId: account.id, version: 1 },
      resource: undefined,
      issuer: issuer.identifier,
    } as unknown as Parameters<typeof loadLogIn>[1];
    const start = { resource, roles: [role], metadata, liveSessions: [summary], pairwise };
    expect(await loadLogIn(store.read, command, moment)).toEqual({ account, credential, client, start });
    expect(await loadLogIn(store.read, { ...command, resource: issuer.identifier }, moment)).toMatchObject({
      start: { resource: issuer, roles: [] },
    });
    expect(await loadLogIn(store.read, { ...command, clientId: row.idOf('cli', 9) }, moment)).toMatchObject({
      client: undefined,
      start: { resource: issuer },
    });
    const unknown = { ...command, proof: { result: 'no_credential', accountId: undefined } } as const;
    expect(await loadLogIn(store.read, unknown, moment)).toEqual({
      account: undefined,
      credential: undefined,
      client,
      start: undefined,
    });
  });

  test('what ends an account sees its live sessions and the families without one', async () => {
    const ends = { sessions: [summary], offline: [offline], pairwise };
    const command = { administrator, id: account.id, adminApi: row.ADMIN_API };
    expect(await loadDisableAccount(store.read, command, moment)).toEqual({ account, roles: [role], ends });
    expect(await loadEnableAccount(store.read, command)).toEqual({ account, roles: [role] });
    expect(await loadSetPassword(store.read, account.id, moment)).toEqual({
      account,
      credential,
      roles: [role],
      identifiers: [row.identifier(1)],
      ends,
    });
    expect(await loadSetProfile(store.read, account.id)).toEqual({ account, profile: row.profile(1) });
    expect(await loadEndSession(store.read, { administrator, id: session.id })).toEqual({ session, pairwise });
    expect(await loadEndSession(store.read, { administrator, id: row.idOf('ses', 9) })).toEqual({
      session: undefined,
      pairwise: [],
    });
  });

  test('a new account sees which of its names are taken', async () => {
    const names = ['free', 'person-1'].map((name) => ({
      kind: 'username' as const,
      normalised: name as NormalisedIdentifier,
      display: name,
    }));
    const command = { administrator, id: row.idOf('acc', 2), identifiers: names, phc: undefined };
    expect(await loadCreateAccount(store.read, command)).toEqual([row.identifier(1)]);
  });

  test('a role is seen among all of its account', async () => {
    const command = {
      administrator,
      accountId: account.id,
      resource: row.API,
      role: 'viewer',
      adminApi: row.ADMIN_API,
    };
    expect(await loadRole(store.read, command)).toEqual({ account, resource, roles: [role] });
  });
});

describe('of clients, resources and keys', () => {
  test('a machine token sees the client, and the resource that is asked for or its first', async () => {
    const load = (resources: readonly ResourceIdentifier[], id = client.id) =>
      loadClientCredentials(store.read, { client: { id }, scope: undefined, resources } as never);
    expect(await load([])).toEqual({ client, resource });
    expect(await load([issuer.identifier])).toEqual({ client, resource: issuer });
    expect(await load([], row.idOf('cli', 9))).toEqual({ client: undefined, resource: undefined });
  });

  test('a new client sees those of its resources that there are', async () => {
    const command = { resources: [row.API, 'https://nowhere.example'] } as unknown as Parameters<
      typeof loadCreateClient
    >[1];
    expect(await loadCreateClient(store.read, command)).toEqual({ resources: [resource] });
  });

  test('secrets are seen with their owner', async () => {
    const owner = { kind: 'client', client };
    expect(await loadClientSecrets(store.read, client.id)).toEqual({ owner, secrets: [secret] });
    expect(await loadClientSecrets(store.read, row.idOf('cli', 9))).toEqual({ owner: undefined, secrets: [] });
    const verifier = { kind: 'resource', resource };
    expect(await loadResourceSecrets(store.read, resource.id)).toEqual({ owner: verifier, secrets: [verifierSecret] });
    expect(await loadResourceSecrets(store.read, row.idOf('res', 9))).toEqual({ owner: undefined, secrets: [] });
    expect(await loadDeleteClient(store.read, client)).toEqual({ client, secrets: [secret] });
  });

  test.each([LIMITS.pageRowsMax - 1, LIMITS.pageRowsMax, LIMITS.pageRowsMax + 1, LIMITS.resourcesKeptMax])(
    'a new resource sees all %d others',
    async (count) => {
      const many = createMemoryStore({ now: () => NOW });
      const others = Array.from({ length: count }, (_, number) => row.resource(number));
      many.restore({ ...many.committed, resources: new Map(others.map((other) => [other.id, other])) });
      expect(await loadCreateResource(many.read)).toEqual(others);
    },
  );

  test('keys are seen by their algorithm, and MAC keys with what was made under them', async () => {
    expect(await loadRing(store.read, { algorithm: 'RS256' })).toEqual([row.signingKey('rs', { algorithm: 'RS256' })]);
    expect(await loadMacRing(store.read)).toEqual([row.macKey(1), row.macKey(2)]);
    expect(await loadUnderMacKey(store.read, 1)).toEqual({ key: row.macKey(1), families: [family, offline] });
    expect(await loadUnderMacKey(store.read, 3)).toEqual({ key: undefined, families: [] });
    const owners = [row.tokenRecord(2).clientId];
    expect(await loadAnswersUnderMacKey(store.read, 1, undefined)).toEqual({ key: row.macKey(1), owners });
    expect(await loadAnswersUnderMacKey(store.read, 3, owners[0])).toEqual({ key: undefined, owners: [] });
  });
});

describe('of logins on the pages', () => {
  const advance = (login: object, cookie: Sha256 | undefined) =>
    loadAdvance(store.read, {
      login,
      cookie,
      issuer: issuer.identifier,
      adminApi: row.ADMIN_API,
    } as unknown as Parameters<typeof loadAdvance>[1]);
  const signedIn = { session, account, roles: [], consent };
  const nowhere = 'https://nowhere.example' as ResourceIdentifier;
  const noSession = { session: undefined, account: undefined, roles: [], consent: undefined };
  const none = { attempt: undefined, client: undefined, resources: [], ...noSession };

  test('a login that begins sees the client, its resources, who is signed in and what they allowed', async () => {
    const seen = { attempt, client, resources: [resource] };
    expect(await advance({ begun: attempt }, row.cookie(1).hash)).toEqual({ ...seen, ...signedIn });
    expect(await advance({ begun: attempt }, row.cookie(2).hash)).toEqual({ ...seen, ...noSession });
    expect(await advance({ begun: attempt }, undefined)).toEqual({ ...seen, ...noSession });
  });

  test('a login sees those of its resources that there are', async () => {
    const resources = [issuer.identifier, nowhere, row.API];
    const begun = row.attempt(2, { request: row.request({ resources }) });
    expect(await advance({ begun }, undefined)).toMatchObject({ resources: [issuer, resource] });
  });

  test('a login for the admin API sees what the account is there', async () => {
    const begun = row.attempt(2, { request: row.request({ resources: [row.API, row.ADMIN_API] }) });
    const administrates = { accountId: account.id, resource: row.ADMIN_API, role: 'support' };
    await put(store, { kind: 'role.grant', role: administrates });
    expect(await advance({ begun }, row.cookie(1).hash)).toMatchObject({ roles: [administrates] });
    expect(await advance({ begun }, undefined)).toMatchObject({ roles: [] });
    await put(store, { kind: 'role.revoke', role: administrates });
  });

  test('AUT-14: a login that waits sees what is stored, and nothing else of a request', async () => {
    const waiting = { ...row.attempt(1, { request: row.request({ clientId: row.idOf('cli', 9) }) }) };
    expect(await advance({ waiting }, row.cookie(1).hash)).toMatchObject({ attempt, client, ...signedIn });
    expect(await advance({ waiting: row.attempt(9) }, row.cookie(1).hash)).toEqual(none);
    expect(await advance({ begun: waiting }, row.cookie(1).hash)).toEqual({
      ...none,
      ...signedIn,
      attempt: waiting,
      consent: undefined,
    });
  });

  test('a login to one of our own pages sees who is signed in, and no client', async () => {
    const begun = row.ownLogin(2);
    expect(await advance({ begun }, row.cookie(1).hash)).toEqual({ ...none, session, account, attempt: begun });
    expect(await advance({ begun }, undefined)).toEqual({ ...none, attempt: begun });
  });

  test('a sign-in sees the login, who is signed in now, and the account that it proved', async () => {
    const command = {
      attemptId: attempt.id,
      cookie: row.cookie(1).hash,
      proof: { result: 'match', accountId: account.id, version: 1 },
    } as unknown as Parameters<typeof loadSignIn>[1];
    const found = { attempt, session, begun: undefined, account, credential, liveSessions: [summary], pairwise };
    expect(await loadSignIn(store.read, command, moment)).toEqual(found);
    const other = { ...command, attemptId: row.idOf('att', 9), cookie: undefined };
    expect(await loadSignIn(store.read, other, moment)).toEqual({ ...found, attempt: undefined, session: undefined });
    const twice = { ...command, attemptId: authenticated.id, cookie: undefined };
    expect(await loadSignIn(store.read, twice, moment)).toEqual({
      ...found,
      attempt: authenticated,
      session: undefined,
      begun: session,
    });
    const unknown = { ...command, proof: { result: 'no_credential', accountId: undefined } } as const;
    expect(await loadSignIn(store.read, unknown, moment)).toEqual({
      attempt,
      session,
      begun: undefined,
      account: undefined,
      credential: undefined,
      liveSessions: [],
      pairwise, // of whoever is signed in there now
    });
    const nobodyIsHere = { ...unknown, cookie: undefined };
    expect(await loadSignIn(store.read, nobodyIsHere, moment)).toMatchObject({ session: undefined, pairwise: [] });
  });

  const redeem = (codeHash: Sha256, resources: readonly ResourceIdentifier[] = []) =>
    loadRedeem(store.read, { codeHash, resources } as unknown as Parameters<typeof loadRedeem>[1], moment);
  const families = [family, offline, bare];
  const redeemable = {
    code,
    account,
    client,
    session,
    consent,
    resource,
    roles: [role],
    metadata,
    families,
    subject: 'one',
    family: undefined,
  };

  test('a redemption sees all that the code depends on, and the resource that is asked for or its first', async () => {
    expect(await redeem(code.hash)).toEqual(redeemable);
    expect(await redeem(code.hash, [issuer.identifier])).toEqual({ ...redeemable, resource: issuer, roles: [] });
    expect(await redeem(code.hash, [nowhere])).toEqual({ ...redeemable, resource: undefined, roles: [] });
  });

  test('CODE-02: a replay sees the family that the code has started', async () => {
    expect(await redeem(spent.hash)).toMatchObject({ code: { redeemedAt: NOW }, family });
  });

  test('of a code that is not there nothing is read, and one that covers nothing has no resource', async () => {
    expect(await redeem('unknown' as Sha256)).toEqual({
      ...nobody,
      code: undefined,
      consent: undefined,
      resource: undefined,
      roles: [],
      families: [],
      family: undefined,
    });
    const bareStore = createMemoryStore({ now: () => NOW });
    await put(bareStore, { kind: 'code.issue', code: row.code(1, { resources: [] }) });
    const command = { codeHash: code.hash, resources: [] } as unknown as Parameters<typeof loadRedeem>[1];
    expect(await loadRedeem(bareStore.read, command, moment)).toMatchObject({ resource: undefined, roles: [] });
  });
});
