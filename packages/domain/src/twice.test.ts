import type { EpochSeconds, ResourceIdentifier, Sha256 } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { decideCreateAccount, loadCreateAccount } from './accounts/create-account.ts';
import {
  decideDisableAccount,
  decideEnableAccount,
  loadDisableAccount,
  loadEnableAccount,
} from './accounts/disable-account.ts';
import { decideSetProfile, loadSetProfile } from './accounts/set-profile.ts';
import { decideEndSession, loadEndSession } from './administration/end-session.ts';
import {
  decideRevokeFamily,
  decideRevokeToken,
  loadRevokeFamily,
  loadRevokeToken,
} from './administration/revoke-token.ts';
import { decideGrantRole, decideRevokeRole, loadRevokeRole, loadRole } from './administration/roles.ts';
import { decideAdvance, loadAdvance } from './authorization/advance.ts';
import { proved } from './clients/client.ts';
import { decideDeleteClient, loadDeleteClient } from './clients/delete-client.ts';
import { decideRedeem, loadRedeem } from './grants/authorization-code.ts';
import { decideMacRotation, loadMacRing } from './keys/mac-rotation.ts';
import { decideRotation, loadRing } from './keys/rotation.ts';
import { decideEndAllSessions, decideEndOwnSession, loadAccountEnds, loadSessionEnds } from './login/end-sessions.ts';
import { decideLogout, loadLogout } from './login/logout.ts';
import {
  decideRevokeAccessToken,
  decideRevokeRefreshToken,
  loadRevokeAccessToken,
  loadRevokeRefreshToken,
} from './tokens/revocation.ts';
import { transact } from './transact.ts';

/** A command that comes a second time (a lost answer, a double click, two nodes) does no more than the first. */

const [account, session, client] = [row.account(1), row.session(1), row.client(1, { firstParty: true })];
const [accountId, family, disabled] = [account.id, row.family(1), row.account(3)];
const offline = row.family(2, { sessionId: undefined });
const administrator = { id: 'cli_admin', scope: [] };
const adminApi = row.ADMIN_API;
const byAdministrator = { administrator, id: accountId, adminApi };
const role = { administrator, accountId, resource: row.API, role: 'editor', adminApi };
const claims = {
  iss: 'https://id.example',
  sub: accountId,
  aud: row.API,
  client_id: client.id,
  jti: row.idOf('tok', 1),
  iat: Math.floor(NOW / 1000) as EpochSeconds,
  exp: (Math.floor(NOW / 1000) + 300) as EpochSeconds,
  pos: '9999999999:1',
  sid: session.id,
  fid: family.id,
};
const machine = { ...claims, sub: client.id, sid: undefined, fid: undefined } as unknown as typeof claims;
const ISSUER = 'https://id.example' as ResourceIdentifier;
const cookie = row.cookie(1);
const signIn = row.client(2, {
  grantTypes: ['authorization_code', 'refresh_token'],
  scope: ['openid', 'read'],
  redirectUris: ['https://app.example/callback'],
});
const attempt = row.attempt(1, { request: row.request({ clientId: signIn.id }) });
const code = row.code(1, { clientId: signIn.id, resources: [row.API, ISSUER] });
const name = { ...row.identifier(2), accountId: undefined } as never;
const candidate = { ...row.signingKey('new'), kid: 'new' };

async function populated(): Promise<MemoryStore> {
  const store = createMemoryStore({ now: () => NOW });
  const pos = (await store.read.moment()).position;
  await put(
    store,
    { kind: 'account.create', account, identifiers: [row.identifier(1)] },
    { kind: 'account.create', account: disabled, identifiers: [] },
    { kind: 'account.disable', id: disabled.id, at: NOW },
    { kind: 'client.create', client },
    { kind: 'secret.add', secret: row.secret(1, client.id) },
    { kind: 'resource.create', resource: row.resource(1, { identifier: row.API }) },
    { kind: 'role.grant', role: { accountId, resource: row.API, role: 'viewer' } },
    { kind: 'session.start', session: { ...session, pos, cookie } },
    { kind: 'family.start', family: { ...family, pos } },
    { kind: 'family.start', family: { ...offline, pos } },
    { kind: 'key.create', key: row.signingKey('old', { state: 'current' }) },
    { kind: 'key.create', key: row.signingKey('next') },
    { kind: 'mac_key.create', key: row.macKey(1) },
    { kind: 'client.create', client: signIn },
    { kind: 'attempt.store', attempt },
    { kind: 'code.issue', code },
  );
  return store;
}

type Command = (store: MemoryStore) => Promise<{ readonly writes: readonly unknown[] }>;

const revokeAccess =
  (what: typeof claims, isFlood: boolean): Command =>
  (store) => {
    const command = { client: proved(client), claims: what, isFlood };
    return transact(
      store,
      (read, moment) => loadRevokeAccessToken(read, command, moment),
      (facts, moment) => decideRevokeAccessToken(facts, command, moment),
    );
  };

/** What the person says on the page of a login that waits. */
const saying =
  (said: 'allow' | 'deny'): Command =>
  (store) => {
    const command = {
      login: { waiting: { id: attempt.id, browser: attempt.browser } },
      cookie: cookie.hash,
      said,
      codeHash: 'new' as Sha256,
      familyId: row.idOf('fam', 8),
      codeSeconds: 60,
      issuer: ISSUER,
      assurance: { levels: [], methods: [] },
      adminApi: row.ADMIN_API,
      isKeptOnly: false,
    };
    return transact(
      store,
      (read) => loadAdvance(read, command),
      (facts, moment) => decideAdvance(facts, command, moment),
    );
  };

const COMMANDS: Readonly<Record<string, Command>> = {
  'a profile is set': (store) =>
    transact(
      store,
      (read) => loadSetProfile(read, accountId),
      (facts, moment) =>
        decideSetProfile(
          facts,
          { id: accountId, by: 'owner', claims: { name: 'A', address: { country: 'NO' } } },
          moment,
        ),
    ),
  'REV-01: a refresh token is given back': (store) =>
    transact(
      store,
      (read) => loadRevokeRefreshToken(read, family.id, () => true),
      (facts, moment) => decideRevokeRefreshToken(facts, proved(client), moment),
    ),
  'REV-01: an access token is given back': revokeAccess(claims, false),
  'REV-01: an access token is given back in a flood': revokeAccess(claims, true),
  'REV-01: a machine token is given back': revokeAccess(machine, false),
  'SES-03: a person logs out': (store) =>
    transact(
      store,
      (read) => loadLogout(read, { familyId: family.id, delivery: 'body' }, () => true),
      (facts, moment) => decideLogout(facts, { familyId: family.id, delivery: 'body' }, moment),
    ),
  'SES-06: a person ends a session': (store) =>
    transact(
      store,
      (read) => loadSessionEnds(read, session.id),
      (found, moment) => decideEndOwnSession(found, accountId, moment),
    ),
  'SES-06: a person ends everything': (store) =>
    transact(
      store,
      (read, moment) => loadAccountEnds(read, accountId, moment),
      (ends, moment) => decideEndAllSessions(ends, accountId, moment),
    ),
  'a person allows a client what it asks for': saying('allow'),
  'a person denies a client what it asks for': saying('deny'),
  'an administrator ends a session': (store) =>
    transact(
      store,
      (read) => loadEndSession(read, { administrator, id: session.id }),
      (found, moment) => decideEndSession(found, { administrator, id: session.id }, moment),
    ),
  'an administrator ends a family': (store) =>
    transact(
      store,
      (read) => loadRevokeFamily(read, { administrator, id: offline.id }),
      (facts, moment) => decideRevokeFamily(facts, { administrator, id: offline.id }, moment),
    ),
  'an administrator ends an access token': (store) => {
    const command = { administrator, id: claims.jti, claims: undefined };
    return transact(
      store,
      (read, moment) => loadRevokeToken(read, command, moment),
      (facts, moment) => decideRevokeToken(facts, command, moment),
    );
  },
  'an account is made': (store) => {
    const command = { administrator, id: row.idOf('acc', 2), identifiers: [name], phc: '$' };
    return transact(
      store,
      (read) => loadCreateAccount(read, command),
      (facts, moment) => decideCreateAccount(facts, command, moment),
    );
  },
  'an account is disabled': (store) =>
    transact(
      store,
      (read, moment) => loadDisableAccount(read, byAdministrator, moment),
      (facts, moment) => decideDisableAccount(facts, byAdministrator, moment),
    ),
  'an account is enabled': (store) => {
    const command = { ...byAdministrator, id: disabled.id };
    return transact(
      store,
      (read) => loadEnableAccount(read, command),
      (facts, moment) => decideEnableAccount(facts, command, moment),
    );
  },
  'a client is deleted': (store) =>
    transact(
      store,
      (read) => loadDeleteClient(read, client),
      (facts, moment) => decideDeleteClient(facts, { administrator, id: client.id, adminApi }, moment),
    ),
  'a role is granted': (store) =>
    transact(
      store,
      (read) => loadRole(read, role),
      (facts, moment) => decideGrantRole(facts, role, moment),
    ),
  'a role is revoked': (store) =>
    transact(
      store,
      (read, moment) => loadRevokeRole(read, { ...role, role: 'viewer' }, moment),
      (facts, moment) => decideRevokeRole(facts, { ...role, role: 'viewer' }, moment),
    ),
  'KEY-07: a key is revoked': (store) => {
    const command = {
      algorithm: 'ES256',
      candidates: [candidate],
      actor: 'x',
      action: 'revoke',
      kid: 'old',
      all: false,
    } as const;
    return transact(
      store,
      (read) => loadRing(read, command),
      (ring, moment) => decideRotation(ring, command, moment),
    );
  },
  'a MAC key is replaced': (store) => {
    const command = { actor: 'x', candidate: { id: 2, sealed: row.macKey(2).sealed }, action: 'rotate' } as const;
    return transact(
      store,
      (read) => loadMacRing(read),
      (keys, moment) => decideMacRotation(keys, command, moment),
    );
  },
};

test.each(Object.entries(COMMANDS))(
  '%s: once, twice and both at the same time come to the same',
  async (_, command) => {
    const store = await populated();
    const { writes } = await command(store);
    expect(writes.length).toBeGreaterThan(0);
    const once = store.committed;
    expect((await command(store)).writes).toEqual([]);
    expect(store.committed).toBe(once);

    const raced = await populated();
    await Promise.all([command(raced), command(raced), command(raced)]);
    expect(raced.committed).toEqual(once);
  },
);

const redeem = (store: MemoryStore) => {
  const command = {
    client: proved(signIn),
    codeHash: code.hash,
    redirectUri: code.redirectUri,
    challenge: code.challenge,
    resources: [],
    seed: row.refreshState().seed,
    macKeyId: 1,
    idleSeconds: 3_600,
    offlineSeconds: 3_600,
    issuer: 'https://id.example',
    adminApi: row.ADMIN_API,
    hookClaims: undefined,
    newSubject: 'new',
  };
  return transact(
    store,
    (read, moment) => loadRedeem(read, command, moment),
    (facts, moment) => decideRedeem(facts, command, moment),
  );
};

test('CODE-02: a code that is redeemed again ends its family once, and a third time does nothing more', async () => {
  const store = await populated();
  const allow = row.consent({ clientId: signIn.id, resources: code.resources });
  await put(store, { kind: 'consent.store', consent: allow });
  const first = await redeem(store);
  expect(first.writes.map(({ kind }) => kind)).toEqual(['code.redeem', 'family.start']);
  expect((await store.read.family(code.familyId))?.ended).toBeUndefined();

  const second = await redeem(store);
  expect(second.outcome).toEqual({ ok: false, error: 'code_used' });
  expect(second.writes.map(({ kind }) => kind)).toEqual(['family.end', 'revocation.emit', 'alert.raise']);
  expect((await store.read.family(code.familyId))?.ended?.reason).toBe('authorization_code_replayed');

  const after = store.committed;
  const third = await redeem(store);
  expect([third.outcome, third.writes]).toEqual([second.outcome, []]);
  expect(store.committed).toBe(after);
});
