import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import { type ResourceIdentifier, type Sha256, seconds } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import { ADMIN_SCOPES } from '../administration/scopes.ts';
import type { SessionCookie } from '../login/session.ts';
import { type AdvanceCommand, type AdvanceFacts, decideAdvance } from './advance.ts';
import { resourcesOf } from './asked.ts';

const ISSUER = 'https://id.example' as ResourceIdentifier;
const OTHER = 'https://other.example' as ResourceIdentifier;
const now = NOW;
const position = { epoch: 5, seq: 12 };
const moment = { now, position, catalogue: 3 };

const account = row.account(1);
const cookie = row.cookie(1);
const session = row.session(1, { cookie });
const client = row.client(1, {
  version: 4,
  grantTypes: ['authorization_code', 'refresh_token'],
  scope: ['openid', 'profile', 'offline_access', 'read', 'write'],
  redirectUris: ['https://app.example/callback'],
});
const own = { ...client, firstParty: true };
const api = row.resource(1, { identifier: row.API });
const issuer = row.resource(2, { identifier: ISSUER, scope: ['openid', 'profile', 'email', 'offline_access'] });
const consent = row.consent({ resources: [row.API, ISSUER] });
const attempt = row.attempt(1);
const facts: AdvanceFacts = { attempt, client, resources: [api], session, account, roles: [], consent };
const command: AdvanceCommand = {
  login: { waiting: { id: attempt.id, browser: attempt.browser } },
  cookie: cookie.hash,
  said: 'nothing',
  codeHash: 'code' as Sha256,
  familyId: row.idOf('fam', 9),
  codeSeconds: 60,
  issuer: ISSUER,
  assurance: { levels: [], methods: [] },
  adminApi: row.ADMIN_API,
  isKeptOnly: false,
};

const decide = (
  someFacts: Partial<AdvanceFacts> = {},
  someCommand: Partial<AdvanceCommand> = {},
  someMoment = moment,
) => decideAdvance({ ...facts, ...someFacts }, { ...command, ...someCommand }, someMoment);
/** The login with another request. */
const asking = (more: Partial<AuthorizationRequest>) => ({
  attempt: { ...attempt, request: row.request(more) },
});
const begun = { login: { begun: attempt } };

const code = {
  hash: command.codeHash,
  clientId: client.id,
  accountId: account.id,
  sessionId: session.id,
  familyId: command.familyId,
  redirectUri: 'https://app.example/callback',
  isRedirectUriGiven: true,
  scope: ['openid', 'read'],
  resources: [row.API, ISSUER],
  idTokenClaims: [],
  nonce: 'nonce',
  challenge: attempt.request.codeChallenge,
  authTime: session.authTime,
  amr: ['pwd'],
  acr: undefined,
  wrongTries: 0,
  createdAt: now,
  expiresAt: row.after(60_000),
  redeemedAt: undefined,
};
const expects = [{ table: 'client', id: client.id, version: 4 }];
const removed = { kind: 'attempt.remove', id: attempt.id };
const issued = (...writes: readonly object[]) => ({
  outcome: { ok: true, value: { kind: 'code', attempt } },
  expects,
  writes,
});
const issue = (more: object = {}) => ({ kind: 'code.issue', code: { ...code, ...more } });
const page = (step: object, writes: readonly object[] = []) => ({
  outcome: { ok: true, value: { kind: 'page', step, attempt } },
  expects,
  writes,
});
const refused = (error: string) => ({ outcome: { ok: false, error }, expects: [], writes: [] });
const signIn = { kind: 'sign_in', isAgain: false };
const askConsent = { kind: 'consent', session };
/** The error that answers a login, or what else comes of it. */
const answerOf = ({ outcome }: ReturnType<typeof decide>) => {
  if (!outcome.ok) return `refused: ${outcome.error}`;
  if (outcome.value.kind === 'error') return outcome.value.error;
  return outcome.value.kind === 'page' ? outcome.value.step.kind : outcome.value.kind;
};
/** What the code stands for. */
const grantedBy = ({ writes }: ReturnType<typeof decide>) =>
  writes.flatMap((write) => (write.kind === 'code.issue' ? [[write.code.scope, write.code.resources]] : []));

describe('whose login it is', () => {
  test('AUT-08: a login that another browser began is unknown here, whatever the browser says', () => {
    const login = { waiting: { id: attempt.id, browser: 'another' as Sha256 } };
    for (const said of ['nothing', 'allow', 'deny', 'this_account'] as const)
      expect(decide({}, { login, said })).toEqual(refused('authorization_request_unknown'));
  });

  test('a login that is not stored is unknown', () => {
    expect(decide({ attempt: undefined })).toEqual(refused('authorization_request_unknown'));
  });

  test.each([
    [1, 'code'],
    [0, 'refused: authorization_request_unknown'],
    [-1, 'refused: authorization_request_unknown'],
  ])('a login that expires in %d ms: %s', (left, answer) => {
    expect(answerOf(decide({ attempt: { ...attempt, expiresAt: row.after(left) } }))).toBe(answer);
  });

  test.each([
    ['deleted', { ...client, deletedAt: now }],
    ['gone', undefined],
    ['cut off later', { ...client, cutOff: { ...position, seq: position.seq + 1 } }],
  ])('a login for a client that is %s goes nowhere', (_, someClient) => {
    expect(decide({ client: someClient })).toEqual(refused('client_deleted'));
    expect(decide({ client: someClient, attempt: undefined }, begun)).toEqual(refused('client_deleted'));
  });
});

describe('what is asked for', () => {
  const error = (id: string, writes: readonly object[]) => ({
    outcome: { ok: true, value: { kind: 'error', error: id, attempt: expect.anything() } },
    expects,
    writes,
  });

  test('AUT-02: a client that has not the code grant is told so, and the login is over', () => {
    const machine = { client: { ...client, grantTypes: ['client_credentials'] } } as const;
    expect(decide(machine)).toEqual(error('response_type_not_allowed', [removed]));
    expect(decide({ ...machine, session: undefined }, begun)).toEqual(error('response_type_not_allowed', []));
  });

  test.each([
    ['that nobody knows', ['openid', 'admin'], undefined, 'scope_not_allowed'],
    ['that the resource knows and the client may not have', ['delete'], undefined, 'scope_not_allowed'],
    ['of the person that the client may not have', ['openid', 'email'], undefined, 'scope_not_allowed'],
    ['that the client may have and the resource does not know', ['read', 'write'], ['read'], 'scope_not_allowed'],
    ['that both know', ['read', 'write'], undefined, 'consent'],
  ])('AUT-03: a scope %s', (_, scope, known, answer) => {
    const resources = [{ ...api, scope: known ?? ['read', 'write', 'delete'] }];
    expect(answerOf(decide({ ...asking({ scope }), resources }))).toBe(answer);
  });

  test.each([
    ['that is not stored', [row.API], [], 'resource_unknown'],
    ['beside one that is not stored', [row.API, ISSUER], [api], 'resource_unknown'],
    ['that is not the client’s', [OTHER], [api], 'resource_unknown'],
    ['beside one that is not the client’s', [row.API, OTHER], [api, issuer], 'resource_unknown'],
    ['of the client', [row.API], [api], 'code'],
    ['of the client, twice', [row.API, row.API], [api], 'code'],
  ])('RES-02: a resource %s', (_, asked, resources, answer) => {
    const named = asking({ resources: asked });
    expect(answerOf(decide({ ...named, resources }))).toBe(answer);
  });

  test.each<[string, Partial<AuthorizationRequest>, object, readonly ResourceIdentifier[]]>([
    ['those that are named, once each', { resources: [ISSUER, row.API, ISSUER] }, {}, [ISSUER, row.API]],
    ['the client’s first, for a scope of an API', { scope: ['openid', 'read'] }, {}, [row.API]],
    ['the client’s first, where no scope is asked for', { scope: undefined }, {}, [row.API]],
    ['the server, for scopes of the person', { scope: ['openid', 'profile'] }, {}, [ISSUER]],
    ['the server, for a client without resources', { scope: ['read'] }, { resources: [] }, [ISSUER]],
  ])('the resources of a request: %s', (_, request, more, resources) => {
    expect(resourcesOf(row.request(request), { ...client, ...more }, ISSUER)).toEqual(resources);
  });

  test.each<[string, Partial<AuthorizationRequest>, AdvanceFacts['resources'], object]>([
    [
      'who asks who the person is may ask the server, too',
      { scope: ['openid', 'read'] },
      [api],
      [
        ['openid', 'read'],
        [row.API, ISSUER],
      ],
    ],
    ['who does not ask gets what was asked for alone', { scope: ['read'] }, [api], [['read'], [row.API]]],
    [
      'without a scope, all of the API that the client may have',
      { scope: undefined },
      [api],
      [['read', 'write'], [row.API]],
    ],
    ['of the person alone', { scope: ['openid'] }, [issuer], [['openid'], [ISSUER]]],
    [
      'the server is named but once',
      { scope: ['openid', 'read'], resources: [ISSUER, row.API] },
      [issuer, api],
      [
        ['openid', 'read'],
        [ISSUER, row.API],
      ],
    ],
  ])('what a code stands for: %s', (_, request, resources, granted) => {
    expect(grantedBy(decide({ ...asking(request), client: own, resources }))).toEqual([granted]);
  });

  const offline = ['openid', 'read', 'offline_access'];
  test.each<[string, Partial<AuthorizationRequest>, typeof client, readonly string[]]>([
    ['without prompt=consent', {}, client, ['openid', 'read']],
    ['with another prompt', { prompt: ['select_account'] }, client, ['openid', 'read']],
    ['with prompt=consent', { prompt: ['consent'] }, client, offline],
    ['from our own client', {}, own, offline],
  ])('OIDC-08: offline_access %s', (_, more, someClient, scope) => {
    const known = { client: someClient, consent: row.consent({ scope: offline, resources: [row.API, ISSUER] }) };
    const progress = { stage: 'chosen', sessionId: session.id } as const;
    const chosen = { ...attempt, request: row.request({ scope: offline, ...more }), progress };
    const decided = decide({ ...known, attempt: chosen }, { said: 'allow' });
    expect(grantedBy(decided)).toEqual([[scope, [row.API, ISSUER]]]);
  });
});

describe('what a code says of the sign-in', () => {
  const levels = [
    { value: 'one', amr: ['pwd'] },
    { value: 'recent', amr: ['pwd'], withinSeconds: 60 },
  ];
  test.each<[string, Partial<AuthorizationRequest>, string]>([
    ['the strongest level that it has', {}, 'recent'],
    ['the level that was wished for, though it has a stronger one', { acrValues: ['mfa', 'one'] }, 'one'],
    ['the level that is essential, whatever was wished for', { acrValues: ['recent'], essentialAcr: ['one'] }, 'one'],
    ['what there is, where the wish cannot be met', { acrValues: ['mfa'] }, 'recent'],
  ])('OIDC-12 OIDC Core §2: %s', (_, request, acr) => {
    const decided = decide(asking(request), { assurance: { levels, methods: ['pwd'] } });
    expect(decided.writes).toContainEqual(issue({ acr }));
  });
});

describe('claims that are asked for one by one', () => {
  /** The code of our own client, whose scope it is not asked about. */
  const issuedFor = (more: Partial<AuthorizationRequest>, scope = own.scope) => {
    const decided = decide({ ...asking(more), client: { ...own, scope } });
    return decided.writes.flatMap((write) =>
      write.kind === 'code.issue' ? [[write.code.scope, write.code.idTokenClaims]] : [],
    )[0];
  };
  const every = ['openid', 'profile', 'email', 'phone', 'read'];

  test.each<[string, AuthorizationRequest['claims'], readonly string[], readonly string[]]>([
    ['of UserInfo', { userinfo: ['name', 'nickname'], idToken: [] }, ['profile'], []],
    ['of the ID token', { userinfo: [], idToken: ['name', 'email'] }, ['profile', 'email'], ['name', 'email']],
    ['of both', { userinfo: ['phone_number'], idToken: ['name'] }, ['profile', 'phone'], ['name']],
    ['of a scope that the client may not ask for', { userinfo: ['address'], idToken: ['address'] }, [], []],
    ['of the sign-in itself', { userinfo: ['acr'], idToken: ['auth_time', 'acr', 'amr'] }, [], []],
    ['there are none', { userinfo: [], idToken: [] }, [], []],
  ])('OIDC-10 OIDC Core §5.5: %s ask for their scope, if the client may', (_, claims, scope, idTokenClaims) => {
    expect(issuedFor({ claims }, every)).toEqual([['openid', 'read', ...scope], idTokenClaims]);
  });

  test('OIDC-10: what the scope asks for already stands there once', () => {
    const claims = { userinfo: ['name'], idToken: ['nickname'] };
    const scope = ['profile', 'openid', 'read'];
    expect(issuedFor({ scope, claims })).toEqual([scope, ['nickname']]);
  });

  test('OIDC-10, OIDC-01: without openid there is nobody whose claims they were', () => {
    const claims = { userinfo: ['name'], idToken: ['name'] };
    expect(issuedFor({ scope: ['read'], claims })).toEqual([['read'], []]);
    expect(issuedFor({ scope: undefined, claims })).toEqual([['read', 'write'], []]);
  });

  test('OIDC-10: somebody else’s client gets none of them without consent to their scope', () => {
    const request = asking({ claims: { userinfo: ['name'], idToken: [] } });
    expect(answerOf(decide(request))).toBe('consent');
    const silent = asking({ claims: { userinfo: ['name'], idToken: [] }, prompt: ['none'] });
    expect(answerOf(decide(silent))).toBe('consent_required');
    expect(decide(request, { said: 'allow' }).writes).toMatchObject([
      removed,
      { kind: 'consent.store', consent: { scope: ['openid', 'read', 'profile'] } },
      { kind: 'audit.append' },
      issue({ scope: ['openid', 'read', 'profile'] }),
    ]);
    const given = row.consent({ scope: ['openid', 'read', 'profile'], resources: [row.API, ISSUER] });
    expect(answerOf(decide({ ...request, consent: given }))).toBe('code');
  });
});

describe('of somebody who is signed in', () => {
  test('a login that begins and needs nothing gets its code at once, and is never stored', () => {
    expect(decide({}, begun)).toEqual(issued(issue()));
  });

  test('AUT-14: a code stands for the stored request, which the page cannot change', () => {
    expect(decide({}, { said: 'allow' })).toEqual(issued(removed, issue()));
    const stored = asking({
      scope: ['read'],
      redirectUri: 'https://app.example/other',
      nonce: 'other',
      codeChallenge: undefined,
    });
    const login = { waiting: { ...attempt, request: row.request({ scope: ['read', 'write'] }) } };
    const decided = decide(stored, { login, said: 'allow' });
    const narrow = { scope: ['read'], resources: [row.API], redirectUri: 'https://app.example/other' };
    expect(decided.writes).toEqual([removed, issue({ ...narrow, nonce: 'other', challenge: undefined })]);
  });

  test.each([
    [599, 599_000],
    [600, 600_000],
    [601, 600_000],
  ])('NUM-01 RFC 6749 §4.1.2: a code that is to live %d s lives %d ms', (codeSeconds, life) => {
    expect(decide({}, { ...begun, codeSeconds }).writes).toEqual([issue({ expiresAt: row.after(life) })]);
  });

  test.each([
    ['absolute', (left: number) => ({ session: { ...session, expiresAt: row.after(left) } })],
    [
      'idle',
      (left: number) => ({ session: { ...session, cookie: { ...cookie, seenAt: row.after(left - 3_600_000) } } }),
    ],
  ])('SES-04: the last millisecond of the %s time of a session is before its end', (_, ending) => {
    const answers = [1, 0, -1].map((left) => answerOf(decide(ending(left))));
    expect(answers).toEqual(['code', 'sign_in', 'sign_in']);
  });

  const cutOff = (by: number) => ({ account: { ...account, cutOff: { ...session.pos, seq: session.pos.seq + by } } });
  test.each<[string, Partial<AdvanceFacts>, string]>([
    ['no session', { session: undefined, account: undefined, consent: undefined }, 'sign_in'],
    ['a session of the first-party API', { session: { ...session, cookie: undefined } }, 'sign_in'],
    ['a session that has ended', { session: { ...session, ended: { at: now, reason: 'logout', by: 'x' } } }, 'sign_in'],
    ['a disabled account', { account: { ...account, disabledAt: now } }, 'sign_in'],
    ['an account that is gone', { account: undefined }, 'sign_in'],
    ['an account that was cut off before', cutOff(-1), 'code'],
    ['an account that was cut off there', cutOff(0), 'code'],
    ['an account that was cut off since', cutOff(1), 'sign_in'],
  ])('%s signs nobody in, or does', (_, someFacts, answer) => {
    const decided = decide(someFacts, { said: 'allow' });
    expect(answerOf(decided)).toBe(answer);
    if (answer === 'sign_in') expect(decided).toEqual(page(signIn));
    expect(answerOf(decide({ ...someFacts, ...asking({ prompt: ['none'] }) }))).toBe(
      answer === 'sign_in' ? 'login_required' : 'code',
    );
  });

  test.each([
    [59_999, false],
    [60_000, true],
    [60_001, true],
  ])('a session whose cookie was seen %d ms ago is noted anew: %s', (ago, isNoted) => {
    const old: SessionCookie = { ...cookie, seenAt: row.after(-ago) };
    const decided = decide({ session: { ...session, cookie: old } });
    const note = { kind: 'session.see', id: session.id, at: now };
    expect(decided.writes).toEqual([removed, issue(), ...(isNoted ? [note] : [])]);
  });
});

describe('consent', () => {
  const subject = { account: account.id, client: client.id };
  const entry = (event: string, detail: object) => ({
    kind: 'audit.append',
    entry: { at: now, event, actor: account.id, subject, detail },
  });

  const given = { kind: 'consent.store', consent: { ...consent, givenAt: now } };

  test('what was never allowed is asked, and remembered once it is', () => {
    expect(decide({ consent: undefined })).toEqual(page(askConsent));
    expect(decide({ consent: undefined }, { said: 'this_account' }).writes).toMatchObject([{ kind: 'attempt.store' }]);
    expect(decide({ consent: undefined }, { said: 'allow' })).toEqual(
      issued(removed, given, entry('consent.given', { scope: 'openid read' }), issue()),
    );
    expect(decide({ consent: { ...consent, givenAt: row.after(-1) } })).toEqual(issued(removed, issue()));
  });

  test.each([
    ['the same resources is added', { resources: [ISSUER, row.API] }, ['write', 'openid', 'read']],
    ['other resources stands alone: a word may mean more there', { resources: [ISSUER] }, ['openid', 'read']],
    ['as many, but other resources stands alone too', { resources: [ISSUER, OTHER] }, ['openid', 'read']],
  ])('what is allowed later for %s', (_, more, scope) => {
    const before = row.consent({ scope: ['write', 'openid'], ...more, givenAt: row.after(-9) });
    const extended = { ...consent, scope, givenAt: now };
    expect(decide({ consent: before }, { said: 'allow' }).writes).toEqual([
      removed,
      { kind: 'consent.store', consent: extended },
      entry('consent.given', { scope: 'openid read' }),
      issue(),
    ]);
  });

  const answered = (...writes: readonly object[]) => ({
    outcome: { ok: true, value: { kind: 'error', error: 'access_denied', attempt } },
    expects,
    writes,
  });

  test('what is denied is over, and noted where somebody is signed in', () => {
    expect(decide({ consent: undefined }, { said: 'deny' })).toEqual(answered(removed, entry('consent.denied', {})));
    expect(decide({ session: undefined }, { said: 'deny' })).toEqual(answered(removed));
    expect(decide({}, { said: 'deny' })).toEqual(answered(removed, entry('consent.denied', {})));
  });

  test('consent is given to the page that asks for it, and to no other', () => {
    const old = { ...session, authTime: seconds(row.after(-60_000)) };
    const stale = { ...asking({ maxAge: 30 }), session: old, consent: undefined };
    expect(answerOf(decide(stale, { said: 'allow' }))).toBe('sign_in');
    expect(answerOf(decide(asking({ prompt: ['select_account'] }), { said: 'allow' }))).toBe('choose_account');
  });

  const LOOPBACK = 'http://127.0.0.1:51004/callback';
  test.each([
    ['none', LOOPBACK, 'consent'],
    ['none', 'http://[::1]/callback', 'consent'],
    ['none', 'http://localhost:1/callback', 'consent'],
    ['none', 'com.example.app:/callback', 'consent'],
    ['none', 'https://app.example/callback', 'code'],
    ['client_secret_basic', LOOPBACK, 'code'],
  ] as const)('AUT-11: a client that authenticates by %s, at %s, and was allowed before: %s', (method, uri, answer) => {
    const at = asking({ redirectUri: uri });
    for (const firstParty of [true, false]) {
      const someClient = { ...client, firstParty, authentication: method };
      expect(answerOf(decide({ ...at, client: someClient }))).toBe(answer);
      expect(answerOf(decide({ ...at, client: someClient }, { said: 'allow' }))).toBe('code');
    }
  });

  test('prompt=none is answered where a page would be needed, and nothing waits', () => {
    const silent = { attempt: undefined, consent: undefined };
    const login = { begun: { ...attempt, request: row.request({ prompt: ['none'] }) } };
    const decided = decide(silent, { login });
    expect([answerOf(decided), decided.writes]).toEqual(['consent_required', []]);
    expect(answerOf(decide({ ...silent, session: undefined }, { login }))).toBe('login_required');
  });
});

describe('what waits for a page', () => {
  const choosing = asking({ prompt: ['select_account'] });
  const stored = (more: object = {}) => ({ kind: 'attempt.store', attempt: { ...attempt, ...more } });

  test('a login that begins is stored as it was asked for; one that is stored stays as it is', () => {
    expect(decide({ session: undefined }, begun)).toEqual(page(signIn, [stored()]));
    expect(decide({ session: undefined })).toEqual(page(signIn));
  });

  test('a request by POST is kept whoever is signed in, and goes on later', () => {
    expect(decide({}, { ...begun, isKeptOnly: true })).toEqual({
      outcome: { ok: true, value: { kind: 'kept', attempt } },
      expects,
      writes: [stored()],
    });
    const refusing = decide(asking({}), { login: { begun: asking({ scope: ['admin'] }).attempt }, isKeptOnly: true });
    expect([answerOf(refusing), refusing.writes]).toEqual(['scope_not_allowed', []]);
  });

  const chosen = { stage: 'chosen', sessionId: session.id } as const;
  test('an account that is chosen counts for what comes next', () => {
    expect(answerOf(decide(choosing))).toBe('choose_account');
    const decided = decide(choosing, { said: 'this_account' });
    expect([answerOf(decided), decided.writes]).toEqual(['code', [removed, issue()]]);
    const next = { ...choosing.attempt, version: 2, progress: chosen };
    expect(decide({ ...choosing, consent: undefined }, { said: 'this_account' })).toEqual({
      outcome: { ok: true, value: { kind: 'page', step: askConsent, attempt: next } },
      expects,
      writes: [{ kind: 'attempt.store', attempt: next }],
    });
  });

  test('an account may be chosen where another session was before', () => {
    for (const stage of ['chosen', 'authenticated'] as const) {
      const progress = { stage, sessionId: row.idOf('ses', 2) };
      const before = { attempt: { ...choosing.attempt, progress } };
      expect(answerOf(decide(before))).toBe('choose_account');
      expect(answerOf(decide(before, { said: 'this_account' }))).toBe('code');
    }
  });

  test('who is not signed in chooses nothing, and who signed in stays so', () => {
    expect(decide({ session: undefined }, { said: 'this_account' })).toEqual(page(signIn));
    const progress = { stage: 'authenticated', sessionId: session.id } as const;
    const proved = { attempt: { ...attempt, request: row.request({ prompt: ['login', 'consent'] }), progress } };
    expect(decide(proved, { said: 'this_account' })).toMatchObject({
      outcome: { value: { step: askConsent } },
      writes: [],
    });
  });
});

describe('a login to one of our own pages', () => {
  const login = row.ownLogin(3);
  const fresh = row.ownLogin(3, { page: { path: '/account/password', maxAge: 300 } });
  const old = { ...session, authTime: seconds(row.after(-301_000)) };
  const none = { client: undefined, consent: undefined, resources: [] };
  const open = (path: string, ...writes: readonly object[]) => ({
    outcome: { ok: true, value: { kind: 'own_page', path } },
    expects: [],
    writes,
  });
  const asks = (isAgain: boolean, of: object, ...writes: readonly object[]) => ({
    outcome: { ok: true, value: { kind: 'page', step: { kind: 'sign_in', isAgain }, attempt: of } },
    expects: [],
    writes,
  });

  test('asks who somebody is, and waits for it as a row', () => {
    const begins = { login: { begun: login } };
    const store = { kind: 'attempt.store', attempt: login };
    expect(decide({ ...none, attempt: login, session: undefined }, begins)).toEqual(asks(false, login, store));
    const waits = { login: { waiting: { id: login.id, browser: login.browser } } };
    expect(decide({ ...none, attempt: login, session: undefined }, waits)).toEqual(asks(false, login));
    expect(decide({ ...none, attempt: { ...login, browser: 'b' as Sha256 } }, waits)).toEqual(
      refused('authorization_request_unknown'),
    );
  });

  test('opens the page for whoever is signed in, and nothing is left of it', () => {
    expect(decide({ ...none, attempt: login }, { login: { begun: login } })).toEqual(open('/account'));
    const waits = { login: { waiting: { id: login.id, browser: login.browser } } };
    expect(decide({ ...none, attempt: login }, waits)).toEqual(
      open('/account', { kind: 'attempt.remove', id: login.id }),
    );
  });

  test('SES-06: asks again where the page wants somebody who proved lately who they are', () => {
    const waits = { login: { waiting: { id: fresh.id, browser: fresh.browser } } };
    expect(decide({ ...none, attempt: fresh, session: old }, waits)).toEqual(asks(true, fresh));
    const openFresh = open('/account/password', { kind: 'attempt.remove', id: fresh.id });
    const after = { ...session, authTime: seconds(row.after(-300_000)) };
    expect(decide({ ...none, attempt: fresh, session: after }, waits)).toEqual(openFresh);
    const progress = { stage: 'authenticated', sessionId: session.id } as const;
    expect(decide({ ...none, attempt: { ...fresh, progress }, session: old }, waits)).toEqual(openFresh);
  });

  test('may be given up, which leads to the first page', () => {
    const waits = { login: { waiting: { id: login.id, browser: login.browser } } };
    expect(decide({ ...none, attempt: login, session: undefined }, { ...waits, said: 'deny' })).toEqual(
      open('/', { kind: 'attempt.remove', id: login.id }),
    );
  });
});

describe('a login for the admin API', () => {
  const adminApi = row.resource(3, { identifier: row.ADMIN_API, scope: ADMIN_SCOPES });
  const scope = ['keys:write', 'keys:read', 'explain'];
  const administration = {
    client: { ...own, scope: [...ADMIN_SCOPES], resources: [row.ADMIN_API] },
    resources: [adminApi],
    ...asking({ scope, resources: [row.ADMIN_API] }),
  };
  const having = (...names: readonly string[]) => ({
    ...administration,
    roles: names.map((name) => ({ accountId: account.id, resource: row.ADMIN_API, role: name })),
  });

  test('the code stands for what was asked for, as far as the roles of the person give it', () => {
    expect(grantedBy(decide(having('admin')))).toEqual([[scope, [row.ADMIN_API]]]);
    expect(grantedBy(decide(having('auditor')))).toEqual([[['keys:read', 'explain'], [row.ADMIN_API]]]);
  });

  test('RFC 6749 §4.1.2.1: whose roles give none of it is refused, with or without a page, and leaves nothing', () => {
    for (const less of [having(), having('editor')]) {
      expect(answerOf(decide(less))).toBe('admin_role_missing');
      expect(decide(less).writes).toEqual([removed]);
      expect(decide({ ...less, ...asking({ scope, resources: [row.ADMIN_API], prompt: ['none'] }) }).writes).toEqual([
        removed,
      ]);
    }
    const theirs = { ...having(), client: { ...administration.client, firstParty: false }, consent: undefined };
    expect(answerOf(decide(theirs, { said: 'allow' }))).toBe('admin_role_missing');
  });

  test('who it is comes first: nobody is told of roles before they are signed in', () => {
    expect(answerOf(decide({ ...having(), session: undefined }))).toBe('sign_in');
    expect(answerOf(decide({ ...having(), session: undefined }, { said: 'deny' }))).toBe('access_denied');
  });

  test('the consent is for what the person can allow, and no more is remembered', () => {
    const theirs = {
      ...having('auditor'),
      client: { ...administration.client, firstParty: false },
      consent: undefined,
    };
    expect(answerOf(decide(theirs))).toBe('consent');
    const allowed = decide(theirs, { said: 'allow' });
    expect(grantedBy(allowed)).toEqual([[['keys:read', 'explain'], [row.ADMIN_API]]]);
    expect(allowed.writes).toContainEqual({
      kind: 'consent.store',
      consent: row.consent({ scope: ['keys:read', 'explain'], resources: [row.ADMIN_API], givenAt: now }),
    });
  });
});
