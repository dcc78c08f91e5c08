import type { Sha256 } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore, type MemoryStore } from '@latchkey/testkit/memory-store';
import { beforeAll, expect, test } from 'vitest';
import { loadRegister } from '../accounts/register.ts';
import { loadResetPassword } from '../accounts/reset-password.ts';
import { loadVerifyEmail } from '../accounts/verify-email.ts';
import { loadAccountMail } from './account-mail.ts';
import { loadSignInByLink } from './sign-in-by-link.ts';

/** What the decisions of mails and links are shown. */

const account = row.account(1);
const own = row.identifier(1, 'alice@example.com');
const attempt = row.attempt(1);
const session = row.session(1, { cookie: row.cookie(1) });
const offline = row.family(2, { sessionId: undefined });
const parts = { kind: own.kind, normalised: own.normalised, display: own.display };
const link = row.link(1, { accountId: account.id, address: parts, attemptId: attempt.id });
const bare = row.link(2, { accountId: undefined, address: undefined, attemptId: undefined });
const none = 'no-link' as Sha256;
const nobody = { account: undefined, identifiers: [] };

let store: MemoryStore;
let moment: Awaited<ReturnType<MemoryStore['read']['moment']>>;
beforeAll(async () => {
  store = createMemoryStore({ now: () => NOW });
  await put(
    store,
    { kind: 'account.create', account, identifiers: [own] },
    { kind: 'client.create', client: row.client(1) },
    { kind: 'attempt.store', attempt },
    { kind: 'session.start', session },
    { kind: 'family.start', family: offline },
    { kind: 'link.issue', link },
    { kind: 'link.issue', link: bare },
  );
  moment = await store.read.moment();
});

test('a mail sees the account that has what was typed, or for which it was asked, and the login', async () => {
  const load = (request: object) =>
    loadAccountMail(store.read, { request } as unknown as Parameters<typeof loadAccountMail>[1]);
  const found = { identifier: own, account, identifiers: [own], attempt };
  const other = row.identifier(9, 'nobody@example.com');
  expect(await load({ identifier: parts, attemptId: attempt.id })).toEqual(found);
  expect(await load({ identifier: other, accountId: account.id })).toEqual({
    ...found,
    identifier: undefined,
    attempt: undefined,
  });
  expect(await load({ identifier: other })).toEqual({ ...nobody, identifier: undefined, attempt: undefined });
  expect(await load({ identifier: parts, sessionId: session.id })).toMatchObject({ session, attempt: undefined });
});

test('a reset sees the link, its account, and all that ends with it', async () => {
  const load = (hash: Sha256) => loadResetPassword(store.read, { hash, phc: '$', language: 'en' }, moment);
  const ends = { sessions: [{ ...session, lastSeenAt: NOW }], offline: [offline], pairwise: [] };
  expect(await load(link.hash)).toEqual({ link, account, identifiers: [own], ends });
  const nothing = { ...nobody, ends: { sessions: [], offline: [], pairwise: [] } };
  expect(await load(none)).toEqual({ ...nothing, link: undefined });
  expect(await load(bare.hash)).toEqual({ ...nothing, link: bare });
});

test('a new account sees who has its address and its name, and the login that may go on', async () => {
  const load = (hash: Sha256, more: object) =>
    loadRegister(store.read, { hash, ...more } as unknown as Parameters<typeof loadRegister>[1], moment);
  const signIn = { cookie: row.cookie(1).hash };
  const found = {
    link,
    addressTaken: own,
    usernameTaken: own,
    attempt,
    session,
    begun: undefined,
    liveSessions: [],
    pairwise: [],
  };
  expect(await load(link.hash, { username: parts, signIn })).toEqual(found);
  const sessions = { session: undefined, begun: undefined, liveSessions: [], pairwise: [] };
  const nothing = { addressTaken: undefined, usernameTaken: undefined, attempt: undefined, ...sessions };
  expect(await load(bare.hash, {})).toEqual({ ...nothing, link: bare });
  expect(await load(none, {})).toEqual({ ...nothing, link: undefined });
});

test('a sign-in by a link sees its login, its account with the live sessions, and the session of the browser', async () => {
  const load = (hash: Sha256, more: object) =>
    loadSignInByLink(store.read, { hash, ...more } as unknown as Parameters<typeof loadSignInByLink>[1], moment);
  expect(await load(link.hash, { cookie: row.cookie(1).hash })).toEqual({
    link,
    account,
    identifiers: [own],
    attempt,
    session,
    begun: undefined,
    liveSessions: [{ ...session, lastSeenAt: NOW }],
    pairwise: [],
  });
  const nothing = {
    ...nobody,
    attempt: undefined,
    session: undefined,
    begun: undefined,
    liveSessions: [],
    pairwise: [],
  };
  expect(await load(bare.hash, {})).toEqual({ ...nothing, link: bare });
  expect(await load(none, {})).toEqual({ ...nothing, link: undefined });
});

test('a verification sees whose the address is by now', async () => {
  const load = (hash: Sha256) => loadVerifyEmail(store.read, { hash, language: 'en' });
  expect(await load(link.hash)).toEqual({ link, account, identifiers: [own], identifier: own });
  expect(await load(bare.hash)).toEqual({ ...nobody, link: bare, identifier: undefined });
  expect(await load(none)).toEqual({ ...nobody, link: undefined, identifier: undefined });
});
