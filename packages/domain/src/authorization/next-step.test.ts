import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Progress } from '../login/attempt.ts';
import type { Assurance } from './assurance.ts';
import { nextStep, type StepFacts } from './next-step.ts';

const NOW_SECONDS = NOW / 1000;
/** A session whose person proved who they are so many seconds ago. */
const aged = (age: number, number = 1) =>
  row.session(number, { authTime: (NOW_SECONDS - age) as EpochSeconds, cookie: row.cookie(number) });
const session = aged(0);
const asked = { idTokenClaims: [], scope: ['openid', 'read'], resources: [row.API] };
const begun = { stage: 'begun' } as const;
const chosen = { stage: 'chosen', sessionId: session.id } as const;
const authenticated = { stage: 'authenticated', sessionId: session.id } as const;
const chosenOther = { stage: 'chosen', sessionId: row.idOf('ses', 2) } as const;
const authenticatedOther = { stage: 'authenticated', sessionId: row.idOf('ses', 2) } as const;

/** Three levels, of which a server that asks for passwords only can reach two. */
const ASSURANCE: Assurance = {
  levels: [
    { value: 'pwd', amr: ['pwd'] },
    { value: 'fresh', amr: ['pwd'], withinSeconds: 300 },
    { value: 'mfa', amr: ['pwd', 'otp'] },
  ],
  methods: ['pwd'],
};

interface Login {
  readonly request?: Partial<AuthorizationRequest>;
  readonly progress?: Progress;
  readonly session?: StepFacts['session'];
  readonly consent?: StepFacts['consent'];
  readonly client?: Partial<StepFacts['client']>;
}

/** The step of a login of a person who is signed in and allowed everything, but for what is said. */
const stepOf = (login: Login, assurance = ASSURANCE) =>
  nextStep(
    {
      attempt: row.attempt(1, { request: row.request(login.request), progress: login.progress ?? begun }),
      asked,
      client: row.client(1, login.client),
      session: 'session' in login ? login.session : session,
      consent: 'consent' in login ? login.consent : row.consent(),
      assurance,
    },
    NOW,
  );

const issue = { kind: 'issue', session };
const askConsent = { kind: 'consent', session };
const signIn = { kind: 'sign_in', isAgain: false };
const signInAgain = { kind: 'sign_in', isAgain: true };
const choose = { kind: 'choose_account' };
const answer = (error: string) => ({ kind: 'answer', error });
const other = row.idOf('acc', 2);
const nobody = { session: undefined } as const;
const asking = (prompt: AuthorizationRequest['prompt'], more: Partial<AuthorizationRequest> = {}) => ({
  request: { prompt, ...more },
});

describe('of somebody who is signed in', () => {
  test.each<[string, Login, object]>([
    ['all that is asked for was allowed', {}, issue],
    ['nothing was ever allowed', { consent: undefined }, askConsent],
    ['less scope was allowed', { consent: row.consent({ scope: ['openid'] }) }, askConsent],
    ['the scope was allowed elsewhere', { consent: row.consent({ resources: [] }) }, askConsent],
    ['the client is the deployment’s own', { consent: undefined, client: { firstParty: true } }, issue],
    ['consent is asked for again', asking(['consent']), askConsent],
    ['… of our own client too', { ...asking(['consent']), client: { firstParty: true } }, askConsent],
    ['… of somebody who just signed in', { ...asking(['consent']), progress: authenticated }, askConsent],
  ])('%s', (_, login, step) => {
    expect(stepOf(login)).toEqual(step);
  });

  test.each<[string, Login, object]>([
    ['nothing was said yet', asking(['select_account']), choose],
    ['this account was chosen', { ...asking(['select_account']), progress: chosen }, issue],
    ['this account signed in just now', { ...asking(['select_account']), progress: authenticated }, issue],
    ['another session was chosen', { ...asking(['select_account']), progress: chosenOther }, choose],
    ['another session signed in just now', { ...asking(['select_account']), progress: authenticatedOther }, choose],
    ['login comes first', { ...asking(['login', 'select_account']), progress: chosen }, signInAgain],
    ['login has been', { ...asking(['login', 'select_account']), progress: authenticated }, issue],
    ['consent comes after', { ...asking(['select_account', 'consent']), progress: chosen }, askConsent],
    ['there is no account to choose', { ...asking(['select_account']), ...nobody }, signIn],
  ])('OIDC Core §3.1.2.1 prompt=select_account: %s', (_, login, step) => {
    expect(stepOf(login)).toEqual(step);
  });
});

describe('of who has to prove it again', () => {
  test.each<[string, Login, object]>([
    ['prompt=login, signed in before', asking(['login']), signInAgain],
    ['prompt=login, and only chosen', { ...asking(['login']), progress: chosen }, signInAgain],
    ['prompt=login, and done', { ...asking(['login']), progress: authenticated }, issue],
    ['prompt=login, done in another session', { ...asking(['login']), progress: authenticatedOther }, signInAgain],
    ['prompt=login of nobody', { ...asking(['login']), ...nobody }, signIn],
    ['max_age=0 in the same second', asking([], { maxAge: 0 }), signInAgain],
    ['max_age=0, and done', { ...asking([], { maxAge: 0 }), progress: authenticated }, issue],
    ['max_age=0, and only chosen', { ...asking([], { maxAge: 0 }), progress: chosen }, signInAgain],
    ['max_age of somebody who just signed in', { ...asking([], { maxAge: 1 }), progress: authenticated }, issue],
  ])('OIDC-06: %s', (_, login, step) => {
    expect(stepOf(login)).toEqual(step);
  });

  test.each([
    [1, 0, 'issue'],
    [1, 1, 'issue'],
    [1, 2, 'sign_in'],
    [300, 299, 'issue'],
    [300, 300, 'issue'],
    [300, 301, 'sign_in'],
    [undefined, 1_000_000, 'issue'],
  ])('OIDC-06: max_age=%s, signed in %d s ago: %s', (maxAge, age, kind) => {
    const login = { ...asking([], { maxAge }), session: aged(age) };
    expect(stepOf(login)).toMatchObject(kind === 'issue' ? { kind } : signInAgain);
    const silent = { ...asking(['none'], { maxAge }), session: aged(age) };
    expect(stepOf(silent)).toMatchObject(kind === 'issue' ? { kind } : answer('login_required'));
  });
});

test.each<[string, Login, object]>([
  ['of the same person', asking([], { subject: session.accountId }), issue],
  ['of another person', asking([], { subject: other }), signIn],
  [
    'of another person, who was not the one to be chosen',
    { ...asking([], { subject: other }), progress: chosen },
    signIn,
  ],
  [
    'of another person than the one who then signed in',
    { ...asking([], { subject: other }), progress: authenticated },
    answer('login_required'),
  ],
  ['of another person, silently', asking(['none'], { subject: other }), answer('login_required')],
  ['of the same person, silently', asking(['none'], { subject: session.accountId }), issue],
])('OIDC-07: a hint %s', (_, login, step) => {
  expect(stepOf(login)).toEqual(step);
});

const unmet = answer('authentication_requirements_unmet');

describe('of a level of assurance that is essential', () => {
  const essential = (essentialAcr: readonly string[], prompt: AuthorizationRequest['prompt'] = []) => ({
    request: { essentialAcr, prompt },
  });

  test.each<[string, Login]>([
    ['signed in', {}],
    ['just authenticated', { progress: authenticated }],
    ['signed in nowhere', nobody],
  ])('OIDC-10, RSV-11 OIDC Core §5.5.1.1: nobody can reach it, not who is %s', (_, login) => {
    for (const prompt of [[], ['none'], ['login']] as const)
      for (const acr of [['phr'], ['mfa'], ['mfa', 'phr']])
        expect(stepOf({ ...login, ...essential(acr, prompt) })).toEqual(unmet);
  });

  test.each<[string, Login, object]>([
    ['somebody who has it goes on', {}, issue],
    ['somebody who has a weaker one signs in again', { session: aged(301) }, signInAgain],
    ['… is told so where no page may be shown', { session: aged(301), ...asking(['none']) }, answer('login_required')],
    ['nobody is signed in', nobody, signIn],
    ['… and no page may be shown', { ...nobody, ...asking(['none']) }, answer('login_required')],
    ['time went by since the sign-in', { session: aged(301), progress: authenticated }, signInAgain],
    ['another person is to sign in first', asking([], { subject: other }), signIn],
  ])('OIDC-10, RSV-11: it can be reached, and %s', (_, login, step) => {
    const acr = ['mfa', 'fresh'];
    expect(stepOf({ ...login, request: { essentialAcr: acr, ...login.request } })).toMatchObject(
      step === issue ? { kind: 'issue' } : step,
    );
  });

  test('RSV-11: whoever signed in just now by less than it needs is not asked for the same again', () => {
    const both = { ...ASSURANCE, methods: ['pwd', 'otp'] };
    const login = { ...essential(['mfa']), progress: authenticated };
    expect(stepOf(login, both)).toEqual(unmet);
    expect(stepOf({ ...login, progress: begun }, both)).toEqual(signInAgain);
    const strong = { ...session, amr: ['pwd', 'otp'] };
    expect(stepOf({ ...login, session: strong })).toEqual({ kind: 'issue', session: strong });
  });

  test('RSV-11: a stronger level is as good', () => {
    const strong = { ...aged(1_000), amr: ['otp', 'pwd'] };
    expect(stepOf({ ...essential(['fresh']), session: strong })).toEqual({ kind: 'issue', session: strong });
  });

  test('it goes before one that is only wished for', () => {
    const request = { essentialAcr: ['pwd'], acrValues: ['fresh'] };
    expect(stepOf({ request, session: aged(301) })).toMatchObject({ kind: 'issue' });
  });
});

describe('of a level of assurance that is wished for', () => {
  test.each<[string, readonly string[], Login, object]>([
    ['somebody who has it goes on', ['fresh'], { session: aged(300) }, { kind: 'issue' }],
    ['somebody who has it not signs in again', ['fresh'], { session: aged(301) }, signInAgain],
    ['one of several will do', ['fresh', 'pwd'], { session: aged(301) }, { kind: 'issue' }],
    ['one of several can be reached', ['mfa', 'fresh'], { session: aged(301) }, signInAgain],
    ['none can be reached', ['mfa', 'phr'], { session: aged(301) }, { kind: 'issue' }],
    ['nothing is wished for', [], { session: aged(301) }, { kind: 'issue' }],
    [
      'whoever just signed in is not asked twice',
      ['fresh'],
      { session: aged(301), progress: authenticated },
      { kind: 'issue' },
    ],
    [
      'nobody is asked where no page may be shown',
      ['fresh'],
      { session: aged(301), ...asking(['none']) },
      { kind: 'issue' },
    ],
  ])('RSV-11 OIDC Core §3.1.2.1, RFC 9470 §5: %s', (_, acrValues, login, step) => {
    expect(stepOf({ ...login, request: { acrValues, ...login.request } })).toMatchObject(step);
  });
});

describe('where no page may be shown', () => {
  test.each<[string, Login, object]>([
    ['nobody is signed in', nobody, answer('login_required')],
    ['nothing was allowed', { consent: undefined }, answer('consent_required')],
    ['less was allowed', { consent: row.consent({ scope: [] }) }, answer('consent_required')],
    [
      'a public client’s address is anybody’s',
      { client: { authentication: 'none', firstParty: true }, request: { redirectUri: 'com.example.app:/cb' } },
      answer('consent_required'),
    ],
    ['all is well', {}, issue],
  ])('OIDC-04: prompt=none: %s', (_, login, step) => {
    expect(stepOf({ ...login, request: { ...login.request, prompt: ['none'] } })).toEqual(step);
  });

  test('OIDC-04: prompt=none is never answered by a page', () => {
    const someFacts = fc.record({
      request: fc.record({
        prompt: fc.constant(['none'] as const),
        maxAge: fc.option(fc.nat(20), { nil: undefined }),
        subject: fc.constantFrom(undefined, session.accountId, other),
        essentialAcr: fc.constantFrom(undefined, [], ['phr'], ['fresh']),
        acrValues: fc.constantFrom([], ['fresh'], ['phr', 'pwd']),
        redirectUri: fc.constantFrom('https://app.example/cb', 'http://127.0.0.1/cb', 'com.example.app:/cb'),
      }),
      progress: fc.constantFrom<Progress>(begun, chosen, authenticated, chosenOther, authenticatedOther),
      session: fc.option(fc.nat(20).map(aged), { nil: undefined }),
      consent: fc.constantFrom(undefined, row.consent(), row.consent({ scope: [] }), row.consent({ resources: [] })),
      client: fc.record({
        firstParty: fc.boolean(),
        authentication: fc.constantFrom('none' as const, 'client_secret_basic' as const),
      }),
    });
    fc.assert(fc.property(someFacts, (login) => ['issue', 'answer'].includes(stepOf(login).kind)));
  });
});
