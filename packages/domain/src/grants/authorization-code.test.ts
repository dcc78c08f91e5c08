import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds, ResourceIdentifier, Sealed } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import { ADMIN_SCOPES } from '../administration/scopes.ts';
import { proved } from '../clients/client.ts';
import { decideRedeem, type RedeemCommand, type RedeemFacts } from './authorization-code.ts';

const ISSUER = 'https://id.example' as ResourceIdentifier;
const now = row.after(30_000);
const at = (milliseconds: number): EpochMilliseconds => row.after(30_000 + milliseconds);
const position = { epoch: 5, seq: 12 };
const moment = { now, position, catalogue: 3 };

const account = row.account(1);
const session = row.session(1, { version: 6, cookie: row.cookie(1) });
const client = row.client(1, { version: 4, grantTypes: ['authorization_code', 'refresh_token'] });
const api = row.resource(1, { identifier: row.API });
const issuer = row.resource(2, { identifier: ISSUER, scope: ['openid', 'profile'] });
const code = row.code(1, { resources: [row.API, ISSUER], amr: ['pwd', 'otp'], acr: 'two' });
const challenge = code.challenge;
const seed = Uint8Array.of(7) as Sealed;
const facts: RedeemFacts = {
  code,
  client,
  account,
  session,
  consent: row.consent({ resources: [row.API, ISSUER] }),
  resource: api,
  roles: [{ accountId: account.id, resource: row.API, role: 'editor' }],
  metadata: undefined,
  families: [],
  subject: undefined,
  family: undefined,
};
const command: RedeemCommand = {
  client: proved(client),
  codeHash: code.hash,
  redirectUri: code.redirectUri,
  challenge,
  resources: [],
  seed,
  macKeyId: 2,
  idleSeconds: 600,
  offlineSeconds: 7_200,
  issuer: ISSUER,
  adminApi: row.ADMIN_API,
  hookClaims: undefined,
  newSubject: 'new',
};

const decide = (someFacts: Partial<RedeemFacts> = {}, someCommand: Partial<RedeemCommand> = {}) =>
  decideRedeem({ ...facts, ...someFacts }, { ...command, ...someCommand }, moment);
/** The same code with something else in it. */
const having = (more: Partial<typeof code>) => ({ code: { ...code, ...more } });

const family = {
  id: code.familyId,
  accountId: account.id,
  clientId: client.id,
  sessionId: session.id,
  beganIn: session.id,
  pairwise: undefined,
  scope: ['openid', 'read'],
  resources: [row.API, ISSUER],
  idTokenClaims: [],
  delivery: 'body' as const,
  cnf: undefined,
  authenticated: { authTime: code.authTime, amr: ['pwd', 'otp'], acr: 'two' },
  createdAt: now,
  expiresAt: session.expiresAt,
  pos: position,
  ended: undefined,
  refresh: row.refreshState({ rotatedAt: now, lastUsedAt: now, idleSeconds: 600, macKeyId: 2, seed }),
};
const access = {
  subject: account.id,
  clientId: client.id,
  resource: api,
  scope: ['read'],
  roles: ['editor'],
  permissions: [],
  tenant: undefined,
  custom: {},
  issuedAt: now,
  pos: position,
  cnf: undefined,
  person: {
    familyId: family.id,
    familyExpiresAt: family.expiresAt,
    sessionId: session.id,
    authTime: code.authTime,
    amr: ['pwd', 'otp'],
    acr: 'two',
  },
};
/** The same of a family that ends then. */
const until = (left: number) => ({ ...access, person: { ...access.person, familyExpiresAt: at(left) } });
const identity = {
  accountId: account.id,
  subject: account.id,
  clientId: client.id,
  algorithm: 'RS256',
  claims: [],
  nonce: 'nonce',
  issuedAt: now,
  sid: session.id,
  authTime: code.authTime,
  amr: ['pwd', 'otp'],
  acr: 'two',
};
const refresh = {
  familyId: family.id,
  generation: 0,
  macKeyId: 2,
  seed,
  familyExpiresAt: session.expiresAt,
  idleExpiresAt: at(600_000),
};
const expects = [
  { table: 'client', id: client.id, version: 4 },
  { table: 'session', id: session.id, version: 6 },
];
const redeemed = { kind: 'code.redeem', hash: code.hash, at: now };
/** The tokens of a redemption, where something of them or of their family is different. */
const issued = ({ grant = {}, start = {} }: { readonly grant?: object; readonly start?: object } = {}) => ({
  outcome: { ok: true, value: { access, identity, refresh, ...grant } },
  expects,
  writes: [redeemed, { kind: 'family.start', family: { ...family, ...start } }],
});
const refused = (error: string, writes: readonly object[] = []) => ({
  outcome: { ok: false, error },
  expects: [],
  writes,
});
const missed = { kind: 'code.miss', hash: code.hash };
const otherClient = { client: { ...command.client, id: row.idOf('cli', 2) } };

describe('a redemption', () => {
  test('CODE-01: the code is spent by the very change that starts its family', () => {
    expect(decide()).toEqual(issued());
  });

  test('OIDC-01: without openid there is no ID token', () => {
    const scope = ['read'];
    expect(decide(having({ scope }))).toEqual(issued({ grant: { identity: undefined }, start: { scope } }));
  });

  test('the ID token holds the claims of its scopes only where the client wants them there', () => {
    const wanting = { client: { ...client, hasScopeClaimsInIdToken: true, idTokenAlgorithm: 'ES256' as const } };
    const scope = ['openid', 'read', 'email'];
    const more = { ...identity, claims: ['email', 'email_verified'], algorithm: 'ES256' };
    const consent = row.consent({ scope, resources: [row.API, ISSUER] });
    expect(decide({ ...wanting, ...having({ scope, idTokenClaims: ['email'] }), consent })).toEqual(
      issued({ grant: { identity: more }, start: { scope, idTokenClaims: ['email'] } }),
    );
  });

  test('OIDC-10 OIDC Core §5.5: the ID token holds the claims that were asked for by their names', () => {
    const idTokenClaims = ['email', 'name'];
    expect(decide(having({ idTokenClaims }))).toEqual(
      issued({ grant: { identity: { ...identity, claims: idTokenClaims } }, start: { idTokenClaims } }),
    );
  });

  test('RES-03 RFC 8707 §2.2: one resource out of those allowed; its token holds that one and its scopes alone', () => {
    expect(decide({ resource: issuer, roles: [] }, { resources: [ISSUER] })).toEqual(
      issued({
        grant: { access: { ...access, resource: issuer, scope: ['openid'], roles: [] } },
        start: { resources: [ISSUER, row.API] },
      }),
    );
  });

  test.each([
    ['another', { resource: { ...api, identifier: 'https://other.example' as ResourceIdentifier } }],
    ['one that is no longer kept', { resource: undefined }],
  ])('CODE-06, RES-03: %s than those allowed is refused, and the code stays', (_, someFacts) => {
    expect(decide(someFacts)).toEqual(refused('resource_exceeds_code'));
  });

  test('a code for the admin API stands for what the roles give when it is redeemed', () => {
    const adminApi = row.resource(3, { identifier: row.ADMIN_API, scope: ADMIN_SCOPES });
    const stored = { ...code, scope: ['keys:write', 'explain'], resources: [row.ADMIN_API] };
    const consent = row.consent({ scope: stored.scope, resources: stored.resources });
    const role = (name: string) => [{ accountId: account.id, resource: row.ADMIN_API, role: name }];
    const redeeming = { code: stored, consent, resource: adminApi, roles: role('support') };
    const decided = decide(redeeming);
    expect(decided.outcome).toMatchObject({ value: { access: { scope: ['explain'], roles: ['support'] } } });
    // the family keeps what was allowed: a role that comes back counts again
    expect(decided.writes).toMatchObject([redeemed, { family: { scope: stored.scope } }]);
    expect(decide({ ...redeeming, roles: [] })).toEqual(refused('scope_exceeds_roles'));
    expect(decide({ ...redeeming, roles: role('editor') })).toEqual(refused('scope_exceeds_roles'));
  });

  test('RES-04: two resources at once are refused, and the code stays', () => {
    expect(decide({}, { resources: [row.API, ISSUER] })).toEqual(refused('resource_ambiguous'));
  });

  test('a client without the refresh grant gets no refresh token, and nothing that outlives the session', () => {
    const scope = ['openid', 'read', 'offline_access'];
    const bare = { client: { ...client, firstParty: true, grantTypes: ['authorization_code' as const] } };
    expect(decide({ ...bare, ...having({ scope }) })).toEqual(
      issued({
        grant: { access: until(3_600_000), refresh: undefined },
        start: { scope, refresh: undefined, expiresAt: at(3_600_000) },
      }),
    );
  });

  test('LOGO-04: where its client is told of logouts, the family stays with the session, refresh token or not', () => {
    const told = { grantTypes: ['authorization_code' as const], backchannelLogoutUri: 'https://app.example/logout' };
    const { writes } = decide({ client: { ...client, ...told } });
    expect(writes.find(({ kind }) => kind === 'family.start')).toMatchObject({
      family: { expiresAt: session.expiresAt, refresh: undefined },
    });
  });

  describe('for a client with pairwise subjects', () => {
    const sector = { client: { ...client, sector: 'app.example' } };
    const named = { subject: 'new', sid: family.id };
    const access_ = { ...access, subject: 'new', person: { ...access.person, sessionId: undefined } };

    test('OIDC-03 OIDC Core §8.1: the tokens name the person and the session by names of the sector, given now', () => {
      expect(decide(sector)).toEqual({
        ...issued({
          grant: { access: access_, identity: { ...identity, subject: 'new', sid: family.id } },
          start: { pairwise: named },
        }),
        writes: [
          { kind: 'subject.assign', sector: 'app.example', accountId: account.id, subject: 'new' },
          ...issued({ grant: {}, start: { pairwise: named } }).writes,
        ],
      });
    });

    test('OIDC-03: whoever is known in the sector keeps the name, and the session the one that the client knows', () => {
      const before = row.family(4, { beganIn: session.id, pairwise: { subject: 'old', sid: row.idOf('fam', 3) } });
      const others = [
        row.family(5, { beganIn: session.id }),
        row.family(6, { beganIn: row.idOf('ses', 9), pairwise: { subject: 'old', sid: row.idOf('fam', 6) } }),
      ];
      const again = decide({ ...sector, subject: 'old', families: [...others, before] });
      expect(again.outcome).toMatchObject({
        value: { access: { subject: 'old' }, identity: { subject: 'old', sid: row.idOf('fam', 3) } },
      });
      expect(again.writes.some(({ kind }) => kind === 'subject.assign')).toBe(false);
      expect(decide({ ...sector, subject: 'old', families: others }).outcome).toMatchObject({
        value: { identity: { subject: 'old', sid: family.id } },
      });
    });
  });

  test('OIDC-08: with offline_access the family outlives the session, for as long as it may', () => {
    const scope = ['openid', 'read', 'offline_access'];
    const consent = row.consent({ scope, resources: [row.API, ISSUER] });
    const person = { ...access.person, sessionId: undefined, familyExpiresAt: at(7_200_000) };
    expect(decide({ ...having({ scope }), consent })).toEqual(
      issued({
        grant: {
          access: { ...access, person },
          identity, // names the session: its client hears of the end of that, too
          refresh: { ...refresh, familyExpiresAt: at(7_200_000) },
        },
        start: { scope, sessionId: undefined, expiresAt: at(7_200_000) },
      }),
    );
  });
});

describe('whose code it is', () => {
  test('a code that is not kept is unknown', () => {
    expect(decide({ code: undefined })).toEqual(refused('code_unknown'));
    expect(decide({ client: undefined })).toEqual(refused('code_unknown'));
  });

  test('CAU-15, CODE-06: another client gets nothing for it, and does it no harm', () => {
    expect(decide({}, otherClient)).toEqual(refused('code_of_other_client'));
    expect(decide({}, { ...otherClient, challenge: 'wrong' })).toEqual(refused('code_of_other_client'));
  });

  test('an authentication that was proved with an older row of the client is refused, and the code stays', () => {
    for (const version of [3, 5])
      expect(decide({}, { client: { ...command.client, version } })).toEqual(refused('client_changed'));
  });
});

describe('what goes with the code', () => {
  const exempt = having({ challenge: undefined });
  const unnamed = having({ isRedirectUriGiven: false });

  test.each<[string, Partial<RedeemFacts>, Partial<RedeemCommand>, string | undefined]>([
    ['RED-09: the redirect URI of the request', {}, {}, undefined],
    ['RED-09, CODE-06: another redirect URI', {}, { redirectUri: `${code.redirectUri}/` }, 'code_redirect_uri_wrong'],
    ['RED-09: no redirect URI, where a verifier stands for it', {}, { redirectUri: undefined }, undefined],
    [
      'RFC 6749 §4.1.3: no redirect URI and no verifier, where the request named one',
      exempt,
      { redirectUri: undefined, challenge: undefined },
      'code_redirect_uri_wrong',
    ],
    [
      'RFC 6749 §4.1.3: no redirect URI, where the request named none',
      having({ isRedirectUriGiven: false, challenge: undefined }),
      { redirectUri: undefined, challenge: undefined },
      undefined,
    ],
    ['RED-09: the registered redirect URI, though the request named none', unnamed, {}, undefined],
    [
      'RED-09: another, though the request named none',
      unnamed,
      { redirectUri: 'https://x' },
      'code_redirect_uri_wrong',
    ],
    ['PKCE-05: no verifier', {}, { challenge: undefined }, 'code_verifier_missing'],
    ['PKCE-06: a verifier for a code without a challenge', exempt, {}, 'code_verifier_unexpected'],
    ['an exempted client without a verifier', exempt, { challenge: undefined }, undefined],
    [
      'PKCE-07: the verifier of another login of the same person and client',
      {},
      { challenge: 'otherhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' },
      'code_verifier_wrong',
    ],
  ])('%s', (_, someFacts, someCommand, error) => {
    const decided = decide(someFacts, someCommand);
    if (error === undefined) expect(decided).toEqual(issued());
    else expect(decided).toEqual(refused(error, [missed]));
  });

  test('CODE-04: after three wrong tries the right one is refused, too', () => {
    expect(LIMITS.codeTriesMax).toBe(3);
    const wrong = { challenge: 'wrong' };
    for (const wrongTries of [0, 1, 2]) {
      expect(decide(having({ wrongTries }), wrong)).toEqual(refused('code_verifier_wrong', [missed]));
      expect(decide(having({ wrongTries }))).toEqual(issued());
    }
    for (const wrongTries of [3, 4]) {
      expect(decide(having({ wrongTries }), wrong)).toEqual(refused('code_tries_exceeded'));
      expect(decide(having({ wrongTries }))).toEqual(refused('code_tries_exceeded'));
    }
  });
});

describe('what is over', () => {
  test.each([
    [1, true],
    [0, false],
    [-1, false],
  ])('CODE-05, NUM-01: a code with %d ms left is taken: %s', (left, isTaken) => {
    expect(decide(having({ expiresAt: at(left) }))).toEqual(isTaken ? issued() : refused('code_expired'));
  });

  const cutOff = (by: number) => ({ ...session.pos, seq: session.pos.seq + by });
  const ended = { at: at(-1), reason: 'logout', by: account.id } as const;
  test.each<[string, Partial<RedeemFacts>]>([
    ['the session has ended', { session: { ...session, ended } }],
    ['the session expires now', { session: { ...session, expiresAt: now } }],
    ['the session is no longer kept', { session: undefined }],
    ['the account is disabled', { account: { ...account, disabledAt: at(-1) } }],
    ['the account is gone', { account: undefined }],
    ['the account was cut off since the sign-in', { account: { ...account, cutOff: cutOff(1) } }],
    ['the client is deleted', { client: { ...client, deletedAt: at(-1) } }],
    ['consent was withdrawn', { consent: undefined }],
    ['less scope is allowed now', { consent: row.consent({ scope: ['openid'], resources: code.resources }) }],
    ['less resources are allowed now', { consent: row.consent({ resources: [ISSUER] }) }],
  ])('CODE-06: %s: the code has ended, and nothing is written', (_, someFacts) => {
    expect(decide(someFacts)).toEqual(refused('code_ended'));
  });

  test.each<[string, Partial<RedeemFacts>]>([
    ['a session in its last millisecond', { session: { ...session, expiresAt: at(1) } }],
    ['an account that was cut off before the sign-in', { account: { ...account, cutOff: cutOff(0) } }],
    ['a client whose tokens were cut off since the sign-in', { client: { ...client, cutOff: cutOff(1) } }],
    ['our own client, which nobody was asked about', { client: { ...client, firstParty: true }, consent: undefined }],
  ])('%s still gets its tokens', (_, someFacts) => {
    expect(decide(someFacts).outcome.ok).toBe(true);
  });
});

describe('CODE-02: a replay', () => {
  const spent = { ...having({ redeemedAt: at(-10) }), family };
  const ending = [
    { kind: 'family.end', id: family.id, ended: { at: now, reason: 'authorization_code_replayed', by: client.id } },
    { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp: Math.floor(now / 1000) + 3_780 } },
    {
      kind: 'alert.raise',
      entry: {
        at: now,
        event: 'authorization_code.replayed',
        actor: client.id,
        subject: { family: family.id, account: account.id, client: client.id, session: session.id },
        detail: {},
      },
    },
  ];

  test('CODE-02: ends the family that the code has started, and raises the alarm', () => {
    expect(decide(spent)).toEqual(refused('code_used', ending));
  });

  test.each([
    ['after the life of the code', { code: { ...spent.code, expiresAt: now } }],
    ['that asks for what was not allowed', { resource: undefined }],
    ['after consent was withdrawn', { consent: undefined }],
    ['of a family without a refresh token', { family: { ...family, refresh: undefined } }],
  ])('CODE-02: %s: no less', (_, more) => {
    expect(decide({ ...spent, ...more })).toEqual(refused('code_used', ending));
  });

  test('CODE-02: an offline family ends though its session has ended before', () => {
    const ended = { at: at(-1), reason: 'logout', by: account.id } as const;
    const offline = { family: { ...family, sessionId: undefined }, session: { ...session, ended } };
    expect(decide({ ...spent, ...offline })).toEqual(refused('code_used', ending));
  });

  test.each<[string, Partial<RedeemFacts>]>([
    ['has ended', { family: { ...family, ended: { at: at(-1), reason: 'logout', by: 'x' } } }],
    ['expires now', { family: { ...family, expiresAt: now } }],
    ['is no longer kept', { family: undefined }],
    ['ended with its session', { session: { ...session, ended: { at: at(-1), reason: 'logout', by: 'x' } } }],
    ['ended with its account', { account: { ...account, disabledAt: at(-1) } }],
  ])('CODE-02: where the family %s, nothing more is written', (_, more) => {
    expect(decide({ ...spent, ...more })).toEqual(refused('code_used'));
  });

  test.each<[string, Partial<RedeemCommand>, string]>([
    ['a wrong verifier', { challenge: 'wrong' }, 'code_verifier_wrong'],
    ['no verifier', { challenge: undefined }, 'code_verifier_missing'],
    ['another client', otherClient, 'code_of_other_client'],
    ['another redirect URI', { redirectUri: 'https://x' }, 'code_redirect_uri_wrong'],
  ])('CODE-03: with %s ends nothing, and does not even count', (_, someCommand, error) => {
    expect(decide(spent, someCommand)).toEqual(refused(error));
  });
});

describe('I7: what one client may hold of one account has a limit', () => {
  const families = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      row.family(n + 10, { refresh: row.refreshState({ lastUsedAt: at(n === 5 ? -9_000 : -1_000 - n) }) }),
    );
  const ended = (count: number) =>
    decide({ families: families(count) }).writes.flatMap((write) => (write.kind === 'family.end' ? [write.id] : []));

  test.each([
    [LIMITS.familiesPerClientMax - 1, []],
    [LIMITS.familiesPerClientMax, [row.idOf('fam', 15)]],
  ])('with %i families there is room, or the one that was unused for longest makes it', (count, expected) => {
    expect(ended(count)).toEqual(expected);
  });

  test('families without a refresh token were used last when they were made', () => {
    const bare = Array.from({ length: LIMITS.familiesPerClientMax + 1 }, (_, n) =>
      row.family(n + 10, { refresh: undefined, createdAt: at(-n) }),
    );
    const writes = decide({ families: bare }).writes.filter(({ kind }) => kind === 'family.end');
    expect(writes.map((write) => 'id' in write && write.id)).toEqual(
      [bare.length - 1, bare.length - 2].map((n) => row.idOf('fam', n + 10)),
    );
  });
});

test.each([
  [3_600_000 - 1, 3_600_000 - 1],
  [3_600_000, 3_600_000],
  [3_600_000 + 1, 3_600_000],
])('a family without a refresh token, in a session of %i ms more, lives for %i ms', (left, lives) => {
  const bare = { ...client, grantTypes: ['authorization_code'] as const };
  const { writes } = decide({ client: bare, session: { ...session, expiresAt: at(left) } });
  const started = writes.find((write) => write.kind === 'family.start');
  expect(started?.family.expiresAt).toBe(at(lives));
});

test('a token that would be larger than its resource allows is not issued, and the code stays', () => {
  expect(decide({ resource: { ...api, accessTokenBytes: 1 } })).toEqual({
    ...refused('access_token_too_large'),
    detail: expect.stringContaining('bytes'),
  });
});
