import { LIMITS } from '@latchkey/protocol/limits';
import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import { allow, refuse } from '../decision.ts';
import { decideAddUsername, decideRemoveIdentifier, loadAddIdentifier } from './change-identifiers.ts';
import { parseIdentifier } from './identifier.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 9 }, catalogue: 1 };
const { id } = row.account(1);
const [own, others] = [row.identifier(1), row.identifier(2)];

function parsed(text: string) {
  const read = parseIdentifier(text);
  if (read === undefined) throw new Error(`no identifier: ${text}`);
  return read;
}
const audited = (event: string, kind: string) => ({
  kind: 'audit.append',
  entry: { at: NOW, event, actor: id, subject: { account: id }, detail: { kind } },
});

test('a new user name is added as its owner wrote it, unverified, and the log does not say which', async () => {
  const store = createMemoryStore({ now: () => NOW });
  await put(store, { kind: 'account.create', account: row.account(1), identifiers: [own] });
  const name = parsed(' Ada.L ');
  const facts = await loadAddIdentifier(store.read, id, name);
  expect(facts).toEqual({ own: [own], taken: undefined });
  expect(decideAddUsername(facts, { account: id, parsed: name, language: undefined }, moment)).toEqual({
    ...allow(undefined),
    writes: [
      {
        kind: 'identifier.add',
        identifier: {
          accountId: id,
          kind: 'username',
          normalised: 'ada.l',
          display: 'Ada.L',
          verifiedAt: undefined,
        },
      },
      audited('identifier.added', 'username'),
    ],
  });
});

test('a name that somebody else has is taken; one of their own, however it is written, changes nothing', () => {
  const name = parsed('Person-1');
  expect(
    decideAddUsername({ own: [own], taken: others }, { account: id, parsed: name, language: undefined }, moment),
  ).toEqual(refuse('identifier_taken'));
  expect(
    decideAddUsername({ own: [own], taken: own }, { account: id, parsed: name, language: undefined }, moment),
  ).toEqual(allow(undefined));
});

test('an e-mail address is no user name: it comes in by a link that is sent there', () => {
  expect(
    decideAddUsername(
      { own: [own], taken: undefined },
      { account: id, parsed: parsed('ada@acme.example'), language: undefined },
      moment,
    ),
  ).toEqual(refuse('identifier_invalid'));
});

test.each([
  [LIMITS.identifiersPerAccountMax - 1, true],
  [LIMITS.identifiersPerAccountMax, false],
  [LIMITS.identifiersPerAccountMax + 1, false],
])('who has %i identifiers may add one: %s', (count, isAllowed) => {
  const many = Array.from({ length: count }, (_, index) => row.identifier(1, `name-${index}`));
  const { outcome, writes } = decideAddUsername(
    { own: many, taken: undefined },
    { account: id, parsed: parsed('ada'), language: undefined },
    moment,
  );
  expect(outcome).toEqual(isAllowed ? { ok: true, value: undefined } : { ok: false, error: 'limit_reached' });
  expect(writes.length > 0).toBe(isAllowed);
});

test('one of several identifiers is given up, and no other', () => {
  const address = { ...row.identifier(1, 'ada@acme.example'), kind: 'email' } as const;
  expect(
    decideRemoveIdentifier([own, address], { account: id, name: 'ada@acme.example', language: undefined }, moment),
  ).toEqual({
    ...allow(undefined),
    writes: [
      { kind: 'identifier.remove', normalised: 'ada@acme.example', accountId: id },
      { kind: 'link.end', accountId: id },
      audited('identifier.removed', 'email'),
    ],
  });
});

test('the last identifier stays; what is not theirs is not found', () => {
  expect(decideRemoveIdentifier([own], { account: id, name: own.normalised, language: undefined }, moment)).toEqual(
    refuse('identifier_last'),
  );
  expect(decideRemoveIdentifier([own], { account: id, name: others.normalised, language: undefined }, moment)).toEqual(
    refuse('not_found'),
  );
  expect(decideRemoveIdentifier([], { account: id, name: own.normalised, language: undefined }, moment)).toEqual(
    refuse('not_found'),
  );
});

test('ASVS 6.3.7: every mailbox of the account is told of a change of its names, the one that goes too', () => {
  const address = { ...row.identifier(1, 'ada@acme.example'), kind: 'email' } as const;
  const told = (notice: string) => ({
    kind: 'outbox.enqueue',
    message: { topic: 'account_notice', body: { notice, to: 'ada@acme.example', language: 'de' }, at: NOW },
  });
  const facts = { own: [own, address], taken: undefined };
  const added = decideAddUsername(facts, { account: id, parsed: parsed('ada'), language: 'de' }, moment);
  expect(added.writes.slice(2)).toEqual([told('name_added')]);
  for (const name of [own.normalised, address.normalised]) {
    const removed = decideRemoveIdentifier([own, address], { account: id, name, language: 'de' }, moment);
    expect(removed.writes.filter(({ kind }) => kind === 'outbox.enqueue')).toEqual([told('name_removed')]);
  }
});
