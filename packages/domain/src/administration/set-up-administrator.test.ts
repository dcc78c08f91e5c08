import type { Sha256 } from '@latchkey/protocol/types';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { describe, expect, test } from 'vitest';
import { decideCreateAccount } from '../accounts/create-account.ts';
import { ADMIN_SCOPES } from './scopes.ts';
import {
  type CreateAdministratorCommand,
  decideCreateAdministrator,
  decideIssueSetUpLink,
  decidePromote,
  isSetUpOpen,
  loadCreateAdministrator,
  loadIssueSetUpLink,
  loadPromote,
  type PromoteCommand,
  type PromoteFacts,
} from './set-up-administrator.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 9 }, catalogue: 1 };
const adminApi = row.ADMIN_API;
const hash = 'hash' as Sha256;
const [account, cookie] = [row.account(1), row.cookie(1)];
const session = row.session(1, { cookie });
const holder = { accountId: row.idOf('acc', 9), resource: adminApi, role: 'admin' };
const link = {
  hash,
  purpose: 'set_up_administrator',
  subject: 'first administrator',
  accountId: undefined,
  address: undefined,
  attemptId: undefined,
  createdAt: NOW,
  expiresAt: row.after(3_600_000),
} as const;
const another = { ...link, subject: 'another administrator' } as const;
const refused = (error: string) => ({ outcome: { ok: false, error }, expects: [], writes: [] });
const audited = (event: string, subject: object, detail: object) => ({
  kind: 'audit.append',
  entry: { at: NOW, event, actor: 'server', subject, detail },
});

describe('a link', () => {
  const issued = (one: typeof link | typeof another) => ({
    outcome: { ok: true, value: one.expiresAt },
    expects: [],
    writes: [{ kind: 'link.issue', link: one }, audited('administrator.link_issued', {}, { for: one.subject })],
  });

  test.each([
    ['nobody is an administrator', [], false, issued(link)],
    ['nobody is, and another is asked for', [], true, issued(link)],
    ['somebody is', [holder], false, { outcome: { ok: true, value: undefined }, expects: [], writes: [] }],
    ['somebody is, and another is asked for', [holder], true, issued(another)],
  ])('PWD-13: where %s', (_, holders, isAnother, decided) => {
    expect(decideIssueSetUpLink(holders, { hash, adminApi, isAnother }, moment)).toEqual(decided);
  });

  test.each([
    ['the last millisecond of its hour', link, [], 1, true],
    ['the end of its hour', link, [], 0, false],
    ['a minute later', link, [], -60_000, false],
    ['none', undefined, [], 1, false],
    ['one for another purpose', { ...link, purpose: 'reset_password' as const }, [], 1, false],
    ['that for the first, when somebody is one meanwhile', link, [holder], 1, false],
    ['that for another, when somebody is one', another, [holder], 1, true],
    ['that for another, when nobody is one any more', another, [], 1, true],
  ])('PWD-13: %s: good %s', (_, found, holders, left, isGood) => {
    const expiring = found === undefined ? undefined : { ...found, expiresAt: row.after(left) };
    expect(isSetUpOpen({ link: expiring, holders }, NOW)).toBe(isGood);
  });
});

describe('a new account', () => {
  const command: CreateAdministratorCommand = {
    hash,
    adminApi,
    id: account.id,
    identifier: { kind: 'username', normalised: row.identifier(1).normalised, display: 'Ada' },
    phc: '$new',
  };

  test('PWD-13: it is made, is an administrator, and uses the link up', () => {
    const created = decideCreateAccount(
      [],
      {
        administrator: { id: 'server', scope: ADMIN_SCOPES },
        id: account.id,
        identifiers: [command.identifier],
        phc: '$new',
      },
      moment,
    );
    expect(decideCreateAdministrator({ link, holders: [], taken: [] }, command, moment)).toEqual({
      outcome: { ok: true, value: { ...account, createdAt: NOW, version: 1 } },
      expects: [],
      writes: [
        { kind: 'link.use', hash },
        ...created.writes,
        { kind: 'role.grant', role: { accountId: account.id, resource: adminApi, role: 'admin' } },
        audited('role.granted', { account: account.id }, { resource: adminApi, role: 'admin' }),
      ],
    });
  });

  test('a link that is not good makes none, and a name that is taken leaves the link good', () => {
    expect(decideCreateAdministrator({ link, holders: [holder], taken: [] }, command, moment)).toEqual(
      refused('link_invalid'),
    );
    const taken = [row.identifier(1)];
    expect(decideCreateAdministrator({ link, holders: [], taken }, command, moment)).toEqual(
      refused('identifier_taken'),
    );
  });
});

describe('an account that is signed in', () => {
  const resource = row.resource(1, { identifier: adminApi });
  const facts: PromoteFacts = { link, holders: [], session, account, resource, roles: [] };
  const command: PromoteCommand = { hash, adminApi, cookie: cookie.hash, sessionId: session.id };
  const role = { accountId: account.id, resource: adminApi, role: 'admin' };

  test('PWD-13: it is an administrator from then on, and uses the link up', () => {
    expect(decidePromote(facts, command, moment)).toEqual({
      outcome: { ok: true, value: account.id },
      expects: [],
      writes: [
        { kind: 'link.use', hash },
        { kind: 'role.grant', role },
        audited('role.granted', { account: account.id }, { resource: adminApi, role: 'admin' }),
      ],
    });
  });

  test.each<[string, Partial<PromoteFacts>, string]>([
    ['the link is used', { link: undefined }, 'link_invalid'],
    ['nobody is signed in', { session: undefined, account: undefined }, 'form_refused'],
    ['somebody else is', { session: row.session(2, { cookie }) }, 'form_refused'],
    ['the session has ended', { session: { ...session, expiresAt: NOW } }, 'form_refused'],
    ['the account is disabled', { account: { ...account, disabledAt: NOW } }, 'form_refused'],
    ['the admin API is not there', { resource: undefined }, 'resource_unknown'],
  ])('where %s nothing changes', (_, more, error) => {
    expect(decidePromote({ ...facts, ...more }, command, moment)).toEqual(refused(error));
  });
});

test('each decision sees the link, who is an administrator, and whom it is about', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const resource = row.resource(1, { identifier: adminApi });
  await put(
    store,
    { kind: 'account.create', account, identifiers: [row.identifier(1)] },
    { kind: 'resource.create', resource },
    { kind: 'session.start', session },
    { kind: 'link.issue', link },
    { kind: 'role.grant', role: holder },
  );
  const seen = { link, holders: [holder] };
  expect(await loadIssueSetUpLink(store.read, { hash, adminApi, isAnother: false })).toEqual([holder]);
  const { normalised, display } = row.identifier(1);
  const create = {
    hash,
    adminApi,
    id: row.idOf('acc', 2),
    identifier: { kind: 'username', normalised, display },
    phc: '$',
  } as const;
  expect(await loadCreateAdministrator(store.read, create)).toEqual({ ...seen, taken: [row.identifier(1)] });
  const promote = { hash, adminApi, cookie: cookie.hash, sessionId: session.id };
  expect(await loadPromote(store.read, promote)).toEqual({ ...seen, session, account, resource, roles: [] });
  const nobody = { session: undefined, account: undefined, resource: undefined, roles: [] };
  for (const other of [undefined, row.cookie(2).hash])
    expect(await loadPromote(store.read, { ...promote, cookie: other })).toEqual({ ...seen, ...nobody });
});
