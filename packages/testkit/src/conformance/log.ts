import type { Store } from '@latchkey/domain/ports/store';
import type { Write } from '@latchkey/domain/write';
import type { RevocationKind } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { type ConformanceCase, conflicts, NOW, put, same } from './conformance-case.ts';
import * as row from './rows.ts';

const SECOND = Math.floor(NOW / 1000);
const emit = (id: string, inSeconds = 60, kind: RevocationKind = 'token'): Write => ({
  kind: 'revocation.emit',
  event: { kind, id, exp: (SECOND + inSeconds) as EpochSeconds },
});
const idsAfter = async (store: Store, seq: number, limit = 100) =>
  (await store.read.revocations(seq, NOW, limit)).map(({ id }) => id);

export const LOG: readonly ConformanceCase[] = [
  {
    name: 'a new log begins at number 0 of an epoch of its own time',
    async run(store) {
      same(await store.read.moment(), { now: NOW, position: { epoch: SECOND, seq: 0 }, catalogue: 0 });
    },
  },
  {
    name: 'REV order: events have the numbers of their commits, without gaps, and are read by pages',
    async run(store) {
      await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => put(store, emit(id))));
      const all = await store.read.revocations(0, NOW, 100);
      same(
        all.map(({ seq }) => seq),
        [1, 2, 3, 4, 5],
      );
      same(await idsAfter(store, 0, 2), [all[0]?.id, all[1]?.id]);
      same(await idsAfter(store, 4), [all[4]?.id]);
      same(await idsAfter(store, 5), []);
      same((await store.read.moment()).position.seq, 5);
    },
  },
  {
    name: 'events of one decision keep their order and come after its other writes',
    async run(store) {
      await put(store, emit('one'), { kind: 'client.create', client: row.client(1) }, emit('two'));
      same(await idsAfter(store, 0), ['one', 'two']);
    },
  },
  {
    name: 'a position never claims to have seen an event of a transaction that was undone',
    async run(store) {
      same(await conflicts(store, [emit('undone'), { kind: 'attempt.remove', id: row.idOf('att', 1) }]), true);
      await put(store, emit('kept'));
      same(await idsAfter(store, 0), ['kept']);
      same((await store.read.moment()).position.seq, 1);
    },
  },
  {
    name: 'events are told until they expire, not at that second and not after',
    async run(store) {
      await put(store, emit('before', -1), emit('at', 0), emit('after', 1));
      same(await idsAfter(store, 0), ['after']);
      same(await store.read.revocationsOf('at', NOW), []);
      same((await store.read.revocationsOf('after', NOW)).length, 1);
    },
  },
  {
    name: 'the events of one id are found, newest last',
    async run(store) {
      await put(store, emit('x', 60, 'family'), emit('y'), emit('x', 60, 'key'));
      same(
        (await store.read.revocationsOf('x', NOW)).map(({ kind, seq }) => [kind, seq]),
        [
          ['family', 1],
          ['key', 3],
        ],
      );
    },
  },
  {
    name: 'numbers go on over epochs, and each event says its own',
    async run(store) {
      await put(store, emit('old'));
      await put(store, { kind: 'epoch.begin', at: NOW });
      await put(store, emit('new'));
      const [first, second] = await store.read.revocations(0, NOW, 9);
      same([first?.seq, second?.seq], [1, 2]);
      same((second?.epoch ?? 0) > (first?.epoch ?? 0), true);
    },
  },
  {
    name: 'a cut-off is noted on the row, and the newest one counts',
    async run(store) {
      const { id } = row.account(1);
      await put(store, { kind: 'account.create', account: row.account(1), identifiers: [] });
      await put(store, emit(id, 60, 'subject'));
      await put(store, emit('other'), emit(id, 60, 'subject'));
      same((await store.read.account(id))?.cutOff, { epoch: SECOND, seq: 3 });
      await put(store, emit(id, 60, 'token'));
      same((await store.read.account(id))?.cutOff, { epoch: SECOND, seq: 3 });
    },
  },
  {
    name: 'listeners hear of events after their commit, of nothing else, and not after they have left',
    async run(store) {
      const heard: number[] = [];
      const reads: Promise<unknown>[] = [];
      const stop = store.onRevocation(() => {
        heard.push(1);
        reads.push(store.read.moment().then(({ position }) => heard.push(position.seq)));
      });
      await put(store, { kind: 'session.start', session: row.session(1) });
      await conflicts(store, [emit('undone'), { kind: 'attempt.remove', id: row.idOf('att', 1) }]);
      same(heard, []);
      await put(store, emit('a'));
      await Promise.all(reads);
      same(heard, [1, 1]);
      stop();
      await put(store, emit('b'));
      same(heard, [1, 1]);
    },
  },
];
