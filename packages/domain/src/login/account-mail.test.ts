import { DURATIONS } from '@latchkey/protocol/limits';
import type { Sha256 } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import type { Identifier } from '../accounts/account.ts';
import { type ParsedIdentifier, parseIdentifier } from '../accounts/identifier.ts';
import {
  type AccountMailCommand,
  type AccountMailFacts,
  askForMail,
  decideAccountMail,
  type MailRequest,
} from './account-mail.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 12 }, catalogue: 3 };
const account = row.account(1);
const LIFE = DURATIONS.oneTimeLink * 1000;

function parsed(text: string): ParsedIdentifier {
  const identifier = parseIdentifier(text);
  if (identifier === undefined) throw new Error(text);
  return identifier;
}
const owned = (text: string, more: Partial<Identifier> = {}): Identifier => ({
  ...parsed(text),
  accountId: account.id,
  verifiedAt: undefined,
  ...more,
});
const email = owned('Alice@example.com');
const name = owned('alice');
const request: MailRequest = {
  purpose: 'reset_password',
  identifier: parsed('ALICE@example.com'),
  accountId: undefined,
  sessionId: undefined,
  attemptId: row.attempt(1).id,
  language: 'en',
};
const session = row.session(1);
const facts: AccountMailFacts = {
  identifier: email,
  account,
  identifiers: [email, name],
  attempt: row.attempt(1),
  session,
  credential: undefined,
};
const nobody: AccountMailFacts = {
  identifier: undefined,
  account: undefined,
  identifiers: [],
  attempt: undefined,
  session: undefined,
  credential: undefined,
};
const hash = 'the-hash' as Sha256;
const CREDENTIAL = {
  accountId: account.id,
  version: 1,
  phc: '$',
  failures: 0,
  lastFailureAt: undefined,
};

const decide = (
  someFacts: Partial<AccountMailFacts> = {},
  someRequest: Partial<MailRequest> = {},
  command: Partial<AccountMailCommand> = {},
) =>
  decideAccountMail(
    { ...facts, ...someFacts },
    { request: { ...request, ...someRequest }, askedAt: NOW, hash, ...command },
    moment,
  );
const nothing = { outcome: { ok: true, value: undefined }, expects: [], writes: [] };
const sent = (purpose: MailRequest['purpose'], to: ParsedIdentifier, more: object = {}) => ({
  outcome: { ok: true, value: { kind: purpose, to: to.normalised } },
  expects: [],
  writes: [
    {
      kind: 'link.issue',
      link: {
        hash,
        purpose,
        subject: account.id,
        accountId: account.id,
        address: { kind: 'email', normalised: to.normalised, display: to.display },
        attemptId: request.attemptId,
        createdAt: NOW,
        expiresAt: row.after(LIFE),
        ...more,
      },
    },
  ],
});

test('PWD-12: asking puts what was typed before the worker, and nothing that was found', () => {
  const message = (body: object) => ({
    kind: 'outbox.enqueue',
    message: { topic: 'account_mail', body, at: NOW },
  });
  expect(askForMail(request, NOW)).toEqual(
    message({
      purpose: 'reset_password',
      identifier: 'ALICE@example.com',
      login: request.attemptId,
      language: 'en',
    }),
  );
  const verify = {
    purpose: 'verify_email',
    accountId: account.id,
    sessionId: session.id,
    attemptId: undefined,
  } as const;
  expect(askForMail({ ...request, ...verify }, NOW)).toEqual(
    message({
      purpose: 'verify_email',
      identifier: 'ALICE@example.com',
      account: account.id,
      session: session.id,
      language: 'en',
    }),
  );
});

describe('a link to set a new password', () => {
  test('PWD-13: goes to the address of the account as the account has it, and takes the place of the one before', () => {
    expect(decide()).toEqual(sent('reset_password', email));
    expect(decide({}, { attemptId: undefined })).toEqual(sent('reset_password', email, { attemptId: undefined }));
  });

  test('for a user name it goes to the verified address, else to the only one, else nowhere', () => {
    const named = { purpose: 'reset_password', identifier: parsed('alice') } as const;
    const second = owned('second@example.com');
    const verified = owned('third@example.com', { verifiedAt: NOW });
    expect(decide({ identifier: name }, named)).toEqual(sent('reset_password', email));
    expect(decide({ identifier: name, identifiers: [email, name, second] }, named)).toEqual(nothing);
    expect(decide({ identifier: name, identifiers: [email, name, second, verified] }, named)).toEqual(
      sent('reset_password', verified),
    );
    expect(decide({ identifier: name, identifiers: [name] }, named)).toEqual(nothing);
  });

  test('PWD-12: for an account that is unknown or disabled there is none', () => {
    expect(decide(nobody)).toEqual(nothing);
    expect(decide({ account: { ...account, disabledAt: NOW } })).toEqual(nothing);
  });

  test('attack 8.30: none goes to what is no mailbox, whoever stored it', () => {
    const odd = { ...email, normalised: 'a,b@example.com' as Identifier['normalised'] };
    expect(decide({ identifier: odd, identifiers: [odd] })).toEqual(nothing);
  });

  test('attack 8.20: what was asked for before the password was set is dropped', () => {
    const credential = { ...CREDENTIAL, changedAt: NOW };
    expect(decide({ credential })).toEqual(sent('reset_password', email));
    expect(decide({ credential: { ...CREDENTIAL, changedAt: row.after(1) } })).toEqual(nothing);
  });

  test('NUM-14: a request that is older than its link would be is dropped', () => {
    expect(decide({}, {}, { askedAt: row.after(1 - LIFE) })).toEqual(sent('reset_password', email));
    expect(decide({}, {}, { askedAt: row.after(-LIFE) })).toEqual(nothing);
    expect(decide({}, {}, { askedAt: row.after(-LIFE - 1) })).toEqual(nothing);
  });
});

describe('a link for a new account', () => {
  const purpose = 'register' as const;

  test('PWD-13: goes to the address, of which nothing else is known', () => {
    const typed = request.identifier;
    expect(decide(nobody, { purpose })).toEqual(
      sent(purpose, typed, { subject: typed.normalised, accountId: undefined }),
    );
  });

  test('PWD-12: who has an account is told so by mail, enabled or not', () => {
    const existing = { outcome: { ok: true, value: { kind: 'account_exists', to: email.normalised } } };
    expect(decide({}, { purpose })).toEqual({ ...nothing, ...existing });
    expect(decide({ account: { ...account, disabledAt: NOW } }, { purpose })).toEqual({ ...nothing, ...existing });
  });

  test('what is no mailbox gets neither', () => {
    expect(decide(nobody, { purpose, identifier: parsed('alice') })).toEqual(nothing);
    expect(decide({ identifier: name }, { purpose, identifier: parsed('alice') })).toEqual(nothing);
  });
});

describe('a link to sign in', () => {
  const purpose = 'sign_in' as const;

  test('goes to the address of the account while the login waits', () => {
    expect(decide({}, { purpose })).toEqual(sent(purpose, email));
    expect(decide({ attempt: undefined }, { purpose })).toEqual(nothing);
    expect(decide({ attempt: { ...row.attempt(1), expiresAt: row.after(1) } }, { purpose })).toEqual(
      sent(purpose, email),
    );
    expect(decide({ attempt: { ...row.attempt(1), expiresAt: NOW } }, { purpose })).toEqual(nothing);
  });
});

describe('a link to verify an address', () => {
  const verify = { purpose: 'verify_email', accountId: account.id, attemptId: undefined } as const;

  test('goes to an address that is nobody’s yet, or the account’s own', () => {
    const more = { attemptId: undefined };
    expect(decide({ identifier: undefined }, verify)).toEqual(sent('verify_email', request.identifier, more));
    expect(decide({}, verify)).toEqual(sent('verify_email', request.identifier, more));
  });

  test('but not to one that is verified, or somebody else’s', () => {
    expect(decide({ identifier: { ...email, verifiedAt: NOW } }, verify)).toEqual(nothing);
    expect(decide({ identifier: { ...email, accountId: row.idOf('acc', 2) } }, verify)).toEqual(nothing);
  });
});
