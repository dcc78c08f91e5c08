import { allow, refuse } from '@latchkey/domain/decision';
import type { Store } from '@latchkey/domain/ports/store';
import type { RowVersion } from '@latchkey/domain/row-version';
import { transact } from '@latchkey/domain/transact';
import type { Write } from '@latchkey/domain/write';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { type ConformanceCase, conflicts, NOW, put, same } from './conformance-case.ts';
import * as row from './rows.ts';

const exp = (Math.floor(NOW / 1000) + 60) as EpochSeconds;
const emit: Write = { kind: 'revocation.emit', event: { kind: 'token', id: 'tok_x', exp } };
const note: Write = { kind: 'audit.append', entry: row.entry({ account: 'acc_1' }) };

/** One row in each table that a proof can rest on, all at version 1. */
const fill = (store: Store) =>
  put(
    store,
    { kind: 'account.create', account: row.account(1), identifiers: [] },
    { kind: 'password.set', id: row.idOf('acc', 1), phc: '$', at: NOW },
    { kind: 'client.create', client: row.client(1) },
    { kind: 'resource.create', resource: row.resource(1) },
    { kind: 'session.start', session: row.session(1) },
    { kind: 'attempt.store', attempt: row.attempt(1) },
  );

const expected = (version: number): readonly RowVersion[] => [
  { table: 'account', id: row.idOf('acc', 1), version },
  { table: 'password', id: row.idOf('acc', 1), version },
  { table: 'client', id: row.idOf('cli', 1), version },
  { table: 'resource', id: row.idOf('res', 1), version },
  { table: 'session', id: row.idOf('ses', 1), version },
  { table: 'attempt', id: row.idOf('att', 1), version },
];

const everything = async (store: Store) => ({
  audit: await store.read.audit(undefined, 100),
  events: await store.read.revocations(0, NOW, 100),
  moment: await store.read.moment(),
});

export const TRANSACTIONS: readonly ConformanceCase[] = [
  {
    name: 'what a decision expects must hold, in every table; if not, nothing of it is written',
    async run(store) {
      await fill(store);
      same(await conflicts(store, [note], expected(1)), false);
      const before = await everything(store);
      for (const one of [...expected(0), ...expected(2)]) same(await conflicts(store, [note, emit], [one]), true);
      const gone = { table: 'client', id: row.idOf('cli', 2), version: 1 } as const;
      same(await conflicts(store, [note, emit], [gone]), true);
      same(await everything(store), before);
    },
  },
  {
    name: 'a write that finds no row undoes the writes beside it, and takes no number of the log',
    async run(store) {
      await fill(store);
      const before = await everything(store);
      same(await conflicts(store, [note, emit, { kind: 'client.delete', id: row.idOf('cli', 9), at: NOW }]), true);
      same(await everything(store), before);
    },
  },
  {
    name: 'work is run again from the start when its rows have changed meanwhile',
    async run(store) {
      await fill(store);
      let runs = 0;
      const answer = await store.transact(async (tx) => {
        runs += 1;
        await tx.apply([{ table: 'account', id: row.idOf('acc', 1), version: runs === 1 ? 7 : 1 }], [note]);
        return runs;
      });
      same([answer, runs, (await store.read.audit(undefined, 9)).length], [2, 2, 1]);
    },
  },
  {
    name: 'an error of the work undoes what it wrote, and reaches the caller',
    async run(store) {
      const before = await everything(store);
      const error = new Error('a fault');
      const thrown = await store
        .transact(async (tx) => {
          await tx.apply([], [note, emit]);
          throw error;
        })
        .catch((caught: unknown) => caught);
      same(thrown === error, true);
      same(await everything(store), before);
    },
  },
  {
    name: 'the work reads what it has written itself',
    async run(store) {
      const seen = await store.transact(async (tx) => {
        await tx.apply([], [{ kind: 'session.start', session: row.session(1) }]);
        return tx.session(row.idOf('ses', 1));
      });
      same(seen, row.session(1));
    },
  },
  {
    name: "I6: a refusal's writes are stored like any other: end, event, audit row and alert in one",
    async run(store) {
      await put(store, { kind: 'family.start', family: row.family(1) });
      const ended = { at: NOW, reason: 'refresh_token_reused', by: 'cli_1' } as const;
      const { outcome, moment } = await transact(
        store,
        (read) => read.family(row.idOf('fam', 1)),
        () =>
          refuse('refresh_token_reused', [
            { kind: 'family.end', id: row.idOf('fam', 1), ended },
            { kind: 'revocation.emit', event: { kind: 'family', id: row.idOf('fam', 1), exp } },
            { kind: 'alert.raise', entry: row.entry({ family: row.idOf('fam', 1) }) },
          ]),
      );
      same(outcome, { ok: false, error: 'refresh_token_reused' });
      same((await store.read.family(row.idOf('fam', 1)))?.ended, ended);
      same((await store.read.revocations(moment.position.seq, NOW, 9)).length, 1);
      same([(await store.read.audit(undefined, 9)).length, (await store.read.outbox(NOW, 9)).length], [1, 1]);
    },
  },
  {
    name: 'transactions that run at the same time come one after another: no update is lost',
    async run(store) {
      await put(store, { kind: 'attempt.store', attempt: row.attempt(1) });
      const step = () =>
        transact(
          store,
          (read) => read.attempt(row.idOf('att', 1)),
          (attempt) => {
            if (attempt === undefined) return refuse('not_found');
            return allow(undefined, [{ kind: 'attempt.store', attempt: { ...attempt, version: attempt.version + 1 } }]);
          },
        );
      await Promise.all(Array.from({ length: 20 }, step));
      same((await store.read.attempt(row.idOf('att', 1)))?.version, 21);
    },
  },
  {
    name: 'the catalogue grows with each change of keys, clients, resources and secrets, and with nothing else',
    async run(store) {
      const grows: readonly Write[] = [
        { kind: 'client.create', client: row.client(1) },
        { kind: 'secret.add', secret: row.secret(1, row.idOf('cli', 1)) },
        { kind: 'secret.expire', id: row.idOf('sec', 1), at: NOW },
        { kind: 'secret.remove', id: row.idOf('sec', 1) },
        { kind: 'client.delete', id: row.idOf('cli', 1), at: NOW },
        { kind: 'resource.create', resource: row.resource(1) },
        { kind: 'key.create', key: row.signingKey('a') },
        { kind: 'key.move', kid: 'a', from: 'next', to: 'current', at: NOW },
        { kind: 'key.remove', kid: 'a' },
        { kind: 'mac_key.create', key: row.macKey(1) },
        { kind: 'mac_key.move', id: 1, to: 'retiring' },
        { kind: 'revocation.emit', event: { kind: 'client', id: row.idOf('cli', 1), exp } },
      ];
      const stays: readonly Write[] = [
        note,
        emit,
        { kind: 'account.create', account: row.account(1), identifiers: [] },
        { kind: 'family.start', family: row.family(1) },
      ];
      for (const [writes, by] of [
        [grows, 1],
        [stays, 0],
      ] as const)
        for (const write of writes) {
          const { catalogue } = await store.read.moment();
          await put(store, write);
          same((await store.read.moment()).catalogue, catalogue + by, write.kind);
        }
    },
  },
];
