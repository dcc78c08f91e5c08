import { LIMITS } from '@latchkey/protocol/limits';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import type { Identifier } from '../accounts/account.ts';
import { parseIdentifier } from '../accounts/identifier.ts';
import { decideRegister, type RegisterCommand, type RegisterFacts } from '../accounts/register.ts';
import { decideResetPassword, type ResetPasswordFacts } from '../accounts/reset-password.ts';
import { decideVerifyEmail, type VerifyEmailFacts } from '../accounts/verify-email.ts';
import { type BrowserSignIn, startInBrowser } from './browser-session.ts';
import { endAllWrites } from './end-sessions.ts';
import type { LinkPurpose, OneTimeLink } from './one-time-link.ts';
import { decideSignInByLink, type SignInByLinkFacts } from './sign-in-by-link.ts';

/** What each link does that came by mail, and what ends it. */

const moment = { now: NOW, position: { epoch: 5, seq: 12 }, catalogue: 3 };
const account = { ...row.account(1), version: 3 };
const { id } = account;
const address: Identifier = {
  ...row.identifier(1, 'alice@example.com'),
  kind: 'email',
};
const name = row.identifier(1, 'alice');
const attempt = row.attempt(1);
const linkFor = (purpose: LinkPurpose, more: Partial<OneTimeLink> = {}): OneTimeLink =>
  row.link(1, {
    purpose,
    accountId: id,
    address: { kind: 'email', normalised: address.normalised, display: address.display },
    attemptId: attempt.id,
    expiresAt: row.after(1),
    ...more,
  });
const { hash } = linkFor('register');
const use = { kind: 'link.use', hash };
const expects = [{ table: 'account', id, version: 3 }];
const audit = (event: string, subject: object, detail: object = {}) => ({
  kind: 'audit.append',
  entry: { at: NOW, event, actor: id, subject, detail },
});
const verified = [
  { kind: 'identifier.verify', normalised: address.normalised, at: NOW },
  audit('identifier.verified', { account: id }),
];
const notice = (kind: string, to: string = address.normalised) => ({
  kind: 'outbox.enqueue',
  message: { topic: 'account_notice', body: { notice: kind, to, language: 'fr' }, at: NOW },
});
const refused = (error: string, ...writes: readonly object[]) => ({
  outcome: { ok: false, error },
  expects: [],
  writes,
});
const signIn: BrowserSignIn = {
  browser: attempt.browser,
  cookie: undefined,
  sessionId: row.idOf('ses', 9),
  newCookie: row.cookie(9).hash,
  idleSeconds: 60,
  absoluteSeconds: 600,
  address: '192.0.2.1',
  userAgent: 'Firefox',
  acrLevels: [],
};

describe('a link to set a new password', () => {
  const facts: ResetPasswordFacts = {
    link: linkFor('reset_password'),
    account,
    identifiers: [address, name],
    ends: { sessions: [row.session(1)], offline: [row.family(2, { sessionId: undefined })], pairwise: [] },
  };
  const decide = (some: Partial<ResetPasswordFacts> = {}) =>
    decideResetPassword({ ...facts, ...some }, { hash, phc: '$new', language: 'fr' }, moment);
  const done = (...between: readonly object[]) => ({
    outcome: { ok: true, value: attempt.id },
    expects,
    writes: [
      use,
      { kind: 'link.end', accountId: id },
      { kind: 'password.set', id, phc: '$new', at: NOW },
      ...between,
      ...endAllWrites(facts.ends, { reason: 'password_changed', by: id, at: NOW }),
      audit('password.reset', { account: id }),
      notice('password_changed'),
    ],
  });

  test('PWD-13, PWD-14, SES-05: it is used up, all that was signed in ends, and the owner is told', () => {
    expect(decide()).toEqual(done(...verified));
    const known = { ...address, verifiedAt: row.after(-9) };
    expect(decide({ identifiers: [known, name] })).toEqual(done());
  });

  test.each([
    ['there is none', { link: undefined }, []],
    ['it is for something else', { link: linkFor('sign_in') }, []],
    ['its time is over', { link: linkFor('reset_password', { expiresAt: NOW }) }, []],
    ['its account is gone', { account: undefined }, [use]],
    ['its account is disabled', { account: { ...account, disabledAt: NOW } }, [use]],
    ['the account has the address no longer', { identifiers: [name] }, [use]],
    ['it was sent nowhere', { link: linkFor('reset_password', { address: undefined }) }, [use]],
  ] as const)('PWD-13: it is of no use when %s', (_, some, writes) => {
    expect(decide(some)).toEqual(refused('link_invalid', ...writes));
  });
});

describe('a link for a new account', () => {
  const username = parseIdentifier('Alice');
  const parts = { kind: 'email', normalised: address.normalised, display: address.display } as const;
  const facts: RegisterFacts = {
    link: linkFor('register', { accountId: undefined }),
    addressTaken: undefined,
    usernameTaken: undefined,
    attempt,
    session: undefined,
    begun: undefined,
    liveSessions: [],
    pairwise: [],
  };
  const command: RegisterCommand = { hash, id, username, phc: '$new', signIn };
  const decide = (some: Partial<RegisterFacts> = {}, more: Partial<RegisterCommand> = {}) =>
    decideRegister({ ...facts, ...some }, { ...command, ...more }, moment);
  const made = (identifiers: readonly object[]) => [
    use,
    {
      kind: 'account.create',
      account: { id, version: 1, createdAt: NOW, disabledAt: undefined, cutOff: undefined },
      identifiers,
    },
    { kind: 'password.set', id, phc: '$new', at: NOW },
    audit('account.created', { account: id }, { identifiers: identifiers.length, password: true }),
  ];
  const both = [
    { ...parts, accountId: id, verifiedAt: NOW },
    { ...username, accountId: id, verifiedAt: undefined },
  ];
  const allowed = (attemptId: string | undefined, ...writes: readonly object[]) => ({
    outcome: { ok: true, value: { accountId: id, attemptId } },
    expects: [],
    writes,
  });
  const signedIn = (session?: Parameters<typeof startInBrowser>[0]['session']) =>
    startInBrowser(
      { session, begun: undefined, liveSessions: [], pairwise: [] },
      { accountId: id, attempt, amr: ['pwd'] },
      signIn,
      moment,
    ).writes;

  test('PWD-13: it makes the account, whose address is verified, and signs in to the login that waits in this browser', () => {
    expect(decide()).toEqual(allowed(attempt.id, ...made(both), ...signedIn()));
    const theirs = row.session(2, { accountId: row.idOf('acc', 2), cookie: row.cookie(1) });
    expect(decide({ session: theirs })).toEqual(allowed(attempt.id, ...made(both), ...signedIn(theirs)));
  });

  test('without a name it has the address alone', () => {
    expect(decide({ attempt: undefined }, { username: undefined })).toEqual(
      allowed(undefined, ...made(both.slice(0, 1))),
    );
  });

  test.each([
    ['the login is over', { attempt: { ...attempt, expiresAt: NOW } }, {}],
    ['it was asked for outside of one', { attempt: undefined }, {}],
    ['it is another browser', {}, { signIn: { ...signIn, browser: row.cookie(7).hash } }],
    ['the browser has begun none', {}, { signIn: undefined }],
  ] as const)('nobody is signed in when %s', (_, some, more) => {
    expect(decide(some, more)).toEqual(allowed(undefined, ...made(both)));
  });

  test('PWD-13: it is of no use when it is none, or sent nowhere; and it ends with an address that somebody has', () => {
    expect(decide({ link: undefined })).toEqual(refused('link_invalid'));
    expect(decide({ link: linkFor('reset_password') })).toEqual(refused('link_invalid'));
    expect(decide({ link: linkFor('register', { address: undefined }) })).toEqual(refused('link_invalid'));
    expect(decide({ addressTaken: address })).toEqual(refused('link_invalid', use));
    expect(decide({ usernameTaken: name })).toEqual(refused('identifier_taken'));
  });
});

describe('a link to sign in', () => {
  const facts: SignInByLinkFacts = {
    link: linkFor('sign_in'),
    account,
    identifiers: [name, address],
    attempt,
    session: undefined,
    begun: undefined,
    liveSessions: [],
    pairwise: [],
  };
  const decide = (some: Partial<SignInByLinkFacts> = {}, more: Partial<BrowserSignIn> = {}) =>
    decideSignInByLink({ ...facts, ...some }, { ...signIn, ...more, hash }, moment);

  test('RFC 8176 §2: it signs in by a secret that was sent, in the browser and the login that asked for it', () => {
    const { writes } = startInBrowser(facts, { accountId: id, attempt, amr: ['otp'] }, signIn, moment);
    expect(writes).toContainEqual({ kind: 'session.start', session: expect.objectContaining({ amr: ['otp'] }) });
    expect(decide()).toEqual({
      outcome: { ok: true, value: attempt.id },
      expects,
      writes: [use, ...verified, ...writes],
    });
  });

  test('whoever is signed in already has proved it again, by the link', () => {
    const mine = row.session(1, { cookie: row.cookie(1), acr: undefined });
    expect(decide({ session: mine }).writes).toContainEqual(
      expect.objectContaining({ kind: 'session.authenticate', id: mine.id, amr: ['otp'] }),
    );
  });

  test('RFC 9700 §4.7: in another browser it does nothing, and stays', () => {
    expect(decide({}, { browser: row.cookie(7).hash })).toEqual(refused('link_other_browser'));
  });

  test('PWD-13: it ends with its login, and is refused as any other', () => {
    expect(decide({ attempt: undefined })).toEqual(refused('link_invalid', use));
    expect(decide({ attempt: { ...attempt, expiresAt: NOW } })).toEqual(refused('link_invalid', use));
    expect(decide({ link: linkFor('reset_password') })).toEqual(refused('link_invalid'));
    expect(decide({ account: { ...account, disabledAt: NOW } })).toEqual(refused('link_invalid', use));
  });
});

describe('a link to verify an address', () => {
  const facts: VerifyEmailFacts = {
    link: linkFor('verify_email'),
    account,
    identifiers: [address, name],
    identifier: address,
  };
  const decide = (some: Partial<VerifyEmailFacts> = {}) =>
    decideVerifyEmail({ ...facts, ...some }, { hash, language: 'fr' }, moment);
  const done = (...writes: readonly object[]) => ({ outcome: { ok: true, value: undefined }, expects, writes });

  test('PWD-13: it verifies an address that the account has', () => {
    expect(decide()).toEqual(done(use, ...verified));
  });

  test('ASVS 6.3.7: it adds one that nobody has, and tells the others', () => {
    const other = { ...address, normalised: 'other@example.com' as Identifier['normalised'] };
    expect(decide({ identifier: undefined, identifiers: [other, name] })).toEqual(
      done(
        use,
        {
          kind: 'identifier.add',
          identifier: {
            kind: 'email',
            normalised: address.normalised,
            display: address.display,
            accountId: id,
            verifiedAt: NOW,
          },
        },
        audit('identifier.added', { account: id }, { kind: 'email' }),
        notice('email_added', other.normalised),
      ),
    );
  });

  test('one that somebody else has by now is left to them, and there is an end to how many there are', () => {
    expect(decide({ identifier: { ...address, accountId: row.idOf('acc', 2) } })).toEqual(refused('link_invalid', use));
    const many = Array.from({ length: LIMITS.identifiersPerAccountMax }, (_, n) => row.identifier(1, `n-${n}`));
    expect(decide({ identifier: undefined, identifiers: many })).toEqual(refused('limit_reached'));
    expect(decide({ identifier: undefined, identifiers: many.slice(1) }).outcome.ok).toBe(true);
  });

  test('PWD-13: it is refused as any other', () => {
    expect(decide({ link: undefined })).toEqual(refused('link_invalid'));
    expect(decide({ account: undefined })).toEqual(refused('link_invalid', use));
    expect(decide({ account: { ...account, disabledAt: NOW } })).toEqual(refused('link_invalid', use));
    expect(decide({ link: linkFor('verify_email', { address: undefined }) })).toEqual(refused('link_invalid', use));
  });
});
