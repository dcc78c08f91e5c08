import { DURATIONS } from '@latchkey/protocol/limits';
import type { EpochSeconds, Sha256 } from '@latchkey/protocol/types';
import { type ConformanceCase, conflicts, NOW, put, same } from './conformance-case.ts';
import * as row from './rows.ts';

const FIVE = [3, 1, 5, 2, 4] as const;
const ended = (at: number) => ({ at: row.after(at), reason: 'logout', by: 'server' }) as const;
const RETENTION = DURATIONS.eventRetention * 1000;

/** Reads all pages of two rows, and says what was on each. */
async function pages<R, K>(
  read: (page: { after: K | undefined; limit: number }) => Promise<readonly R[]>,
  key: (row: R) => K,
) {
  const found: K[][] = [];
  let after: K | undefined;
  for (;;) {
    const page = await read({ after, limit: 2 });
    if (page.length === 0) return found;
    found.push(page.map(key));
    after = found.at(-1)?.at(-1);
  }
}

const inPages = <T>(make: (number: number) => T): readonly (readonly T[])[] => [
  [make(1), make(2)],
  [make(3), make(4)],
  [make(5)],
];

export const LISTS: readonly ConformanceCase[] = [
  {
    name: 'accounts, clients and resources are read by pages, in the order of their ids',
    async run(store) {
      for (const n of FIVE) {
        await put(store, { kind: 'account.create', account: row.account(n), identifiers: [] });
        await put(store, { kind: 'client.create', client: row.client(n) });
        await put(store, { kind: 'resource.create', resource: row.resource(n) });
      }
      same(
        await pages(store.read.accounts, ({ id }) => id),
        inPages((n) => row.idOf('acc', n)),
      );
      same(
        await pages(store.read.clients, ({ id }) => id),
        inPages((n) => row.idOf('cli', n)),
      );
      same(
        await pages(store.read.resources, ({ id }) => id),
        inPages((n) => row.idOf('res', n)),
      );
    },
  },
  {
    name: 'families under a MAC key are read by pages: live ones of that key only',
    async run(store) {
      for (const n of FIVE) await put(store, { kind: 'family.start', family: row.family(n) });
      const other = row.family(6, { refresh: row.refreshState({ macKeyId: 2 }) });
      await put(store, { kind: 'family.start', family: other }, { kind: 'family.start', family: row.family(7) });
      await put(store, { kind: 'family.end', id: row.idOf('fam', 7), ended: ended(0) });
      const found = await pages(
        (page: { after: (typeof other)['id'] | undefined; limit: number }) => store.read.familiesUnderMacKey(1, page),
        ({ id }) => id,
      );
      same(
        found,
        inPages((n) => row.idOf('fam', n)),
      );
    },
  },
  {
    name: 'API keys are read by pages, of an owner or for a resource, and those that live are counted',
    async run(store) {
      const foreign = row.apiKey(6, { owner: row.idOf('cli', 1), resource: row.ADMIN_API });
      for (const n of FIVE) await put(store, { kind: 'api_key.create', key: row.apiKey(n) });
      await put(store, { kind: 'api_key.create', key: foreign });
      const asked = { owner: row.idOf('acc', 1), ofClient: row.idOf('cli', 1) };
      type Asked = { readonly after: (typeof foreign)['id'] | undefined; readonly limit: number };
      const expected = inPages((n) => row.idOf('key', n));
      same(
        await pages(
          (page: Asked) => store.read.apiKeysOf(asked.owner, page),
          ({ id }) => id,
        ),
        expected,
      );
      same(
        await pages(
          (page: Asked) => store.read.apiKeysFor(row.API, page),
          ({ id }) => id,
        ),
        expected,
      );
      same(await store.read.apiKeysOf(asked.ofClient, { after: undefined, limit: 9 }), [foreign]);
      same(await store.read.apiKeysFor(row.ADMIN_API, { after: undefined, limit: 9 }), [foreign]);
      await put(store, { kind: 'api_key.end', id: row.idOf('key', 2), ended: ended(0) });
      await put(store, { kind: 'api_key.create', key: row.apiKey(7, { expiresAt: row.after(1) }) });
      const count = (at: number) => store.read.liveApiKeys(asked.owner, row.after(at));
      same([await count(0), await count(1), await store.read.liveApiKeys(asked.ofClient, NOW)], [5, 4, 1]);
    },
  },
  {
    name: 'an API key that has ended or expired is known for a while, to the millisecond',
    async run(store) {
      const KEPT = DURATIONS.apiKeyKept * 1000;
      for (const [n, at] of [-KEPT - 1, -KEPT, -KEPT + 1].entries()) {
        await put(store, { kind: 'api_key.create', key: row.apiKey(n, { expiresAt: row.after(at) }) });
        await put(store, { kind: 'api_key.create', key: row.apiKey(n + 10) });
        await put(store, { kind: 'api_key.end', id: row.idOf('key', n + 10), ended: ended(at) });
      }
      same([await store.expire(NOW, 1), await store.expire(NOW, 100), await store.expire(NOW, 100)], [1, 1, 0]);
      for (const n of [0, 1, 2])
        for (const number of [n, n + 10])
          same((await store.read.apiKey(row.idOf('key', number))) === undefined, n === 0, `key ${number}`);
    },
  },
  {
    name: 'first-party clients: those that are not deleted, and never more than two',
    async run(store) {
      const firstParty = (n: number) =>
        put(store, { kind: 'client.create', client: row.client(n, { firstParty: true }) });
      await put(store, { kind: 'client.create', client: row.client(9) });
      same(await store.read.firstPartyClients(), []);
      await firstParty(1);
      await firstParty(2);
      await put(store, { kind: 'client.delete', id: row.idOf('cli', 1), at: NOW });
      same(await store.read.firstPartyClients(), [row.client(2, { firstParty: true })]);
      await firstParty(3);
      await firstParty(4);
      same((await store.read.firstPartyClients()).length, 2);
    },
  },
  {
    name: 'those who have a role: at that resource only, oldest account first, and no more than are asked for',
    async run(store) {
      const role = (n: number, name: string, resource: string) => ({
        accountId: row.idOf('acc', n),
        resource,
        role: name,
      });
      const [first, second] = [role(1, 'admin', row.ADMIN_API), role(2, 'admin', row.ADMIN_API)];
      for (const one of [second, role(3, 'admin', row.API), role(4, 'auditor', row.ADMIN_API), first])
        await put(store, { kind: 'role.grant', role: one });
      same(await store.read.holders(row.ADMIN_API, 'admin', 9), [first, second]);
      same(await store.read.holders(row.ADMIN_API, 'admin', 1), [first]);
      same(await store.read.holders(row.ADMIN_API, 'editor', 9), []);
    },
  },
  {
    name: 'live sessions: neither ended nor expired, oldest first, with their last use',
    async run(store) {
      const expiring = (n: number, at: number) => row.session(n, { expiresAt: row.after(at) });
      const all = [row.session(2), row.session(1), row.session(3), expiring(4, 0), expiring(5, 1)];
      const foreign = row.session(6, { accountId: row.idOf('acc', 2) });
      for (const session of [...all, foreign]) await put(store, { kind: 'session.start', session });
      await put(store, { kind: 'session.end', id: row.idOf('ses', 3), ended: ended(0) });
      const used = row.family(1, {
        sessionId: row.idOf('ses', 2),
        refresh: row.refreshState({ lastUsedAt: row.after(8) }),
      });
      await put(store, { kind: 'family.start', family: used });
      same(await store.read.liveSessions(row.idOf('acc', 1), NOW), [
        { ...row.session(1), lastSeenAt: NOW },
        { ...row.session(2), lastSeenAt: row.after(8) },
        { ...expiring(5, 1), lastSeenAt: NOW },
      ]);
    },
  },
  {
    name: 'offline families: without a session, neither ended nor expired',
    async run(store) {
      const offline = (n: number, at: number) => row.family(n, { sessionId: undefined, expiresAt: row.after(at) });
      for (const family of [row.family(1), offline(2, 1), offline(3, 0), offline(4, 1)])
        await put(store, { kind: 'family.start', family });
      await put(store, { kind: 'family.end', id: row.idOf('fam', 4), ended: ended(0) });
      same(await store.read.offlineFamilies(row.idOf('acc', 1), NOW), [offline(2, 1)]);
    },
  },
  {
    name: 'pairwise families of an account: all that have not ended, of any session',
    async run(store) {
      const pairwise = { subject: 'one', sid: row.idOf('fam', 1) };
      const families = [
        row.family(1, { pairwise }),
        row.family(2, { pairwise, sessionId: undefined, expiresAt: row.after(-1) }),
        row.family(3, { pairwise }),
        row.family(4),
        row.family(5, { pairwise, accountId: row.idOf('acc', 2) }),
      ];
      for (const family of families) await put(store, { kind: 'family.start', family });
      await put(store, { kind: 'family.end', id: row.idOf('fam', 3), ended: ended(0) });
      same(await store.read.pairwiseFamilies(row.idOf('acc', 1)), families.slice(0, 2));
    },
  },
  {
    name: 'families of a session: the newest of each client and sid that began in it, whatever became of it',
    async run(store) {
      const began = { sessionId: row.idOf('ses', 1), beganIn: row.idOf('ses', 1) };
      const second = { clientId: row.idOf('cli', 2) };
      const families = [
        row.family(1, began),
        row.family(2, { ...began, expiresAt: row.after(-1) }),
        row.family(3, { ...began, ...second, sessionId: undefined }),
        row.family(4, { sessionId: row.idOf('ses', 2), beganIn: row.idOf('ses', 2) }),
        row.family(5, { sessionId: undefined, beganIn: undefined }),
        // of the release before, which knows of no place where a family began
        row.family(9, { sessionId: row.idOf('ses', 3), beganIn: undefined }),
      ];
      const third = { ...began, clientId: row.idOf('cli', 3) };
      const told = [6, 7, 8].map((n) =>
        row.family(n, { ...third, pairwise: { subject: 'one', sid: row.idOf('fam', n === 8 ? 8 : 6) } }),
      );
      for (const family of [...families, ...told]) await put(store, { kind: 'family.start', family });
      await put(store, { kind: 'family.end', id: row.idOf('fam', 3), ended: ended(0) });
      const found = await store.read.familiesOfSession(row.idOf('ses', 1));
      same(found, [families[1], { ...families[2], ended: ended(0) }, told[1], told[2]]);
      same(await store.read.familiesOfSession(row.idOf('ses', 3)), [families[5]]);
      same(await store.read.familiesOfSession(row.idOf('ses', 9)), []);
    },
  },
  {
    name: 'audit rows come newest first, by pages and by what they are about',
    async run(store) {
      for (const n of [1, 2, 3, 4])
        await put(store, { kind: 'audit.append', entry: row.entry({ account: `acc_${n % 2}`, session: 'ses_1' }) });
      const ids = (rows: readonly { readonly id: number }[]) => rows.map(({ id }) => id);
      same(ids(await store.read.audit(undefined, 3)), [4, 3, 2]);
      same(ids(await store.read.audit(2, 3)), [1]);
      same(ids(await store.read.auditOf('acc_0', 9)), [4, 2]);
      same(ids(await store.read.auditOf('ses_1', 3)), [4, 3, 2]);
    },
  },
  {
    name: 'messages come when they are due, oldest first',
    async run(store) {
      for (const at of [2, 1, 3])
        await put(store, { kind: 'outbox.enqueue', message: { topic: `at ${at}`, body: {}, at: row.after(at) } });
      const topics = async (at: number, limit: number) =>
        (await store.read.outbox(row.after(at), limit)).map(({ topic }) => topic);
      same(await topics(2, 9), ['at 1', 'at 2']);
      same(await topics(3, 1), ['at 1']);
    },
  },
  {
    name: 'I7: what is dead goes in steps of a bounded size, and what lives stays',
    async run(store) {
      const dead = ended(-RETENTION - 1);
      for (let n = 1; n <= 9; n++) {
        await put(store, { kind: 'attempt.store', attempt: row.attempt(n, { expiresAt: NOW }) });
        await put(store, { kind: 'link.issue', link: row.link(n, { expiresAt: NOW }) });
        await put(store, { kind: 'session.start', session: row.session(n) });
        await put(store, { kind: 'session.end', id: row.idOf('ses', n), ended: dead });
        await put(store, { kind: 'family.start', family: row.family(n) });
        await put(store, { kind: 'family.end', id: row.idOf('fam', n), ended: dead });
        const used = { resourceId: row.idOf('res', n), hash: 'h' as Sha256, expiresAt: NOW };
        await put(store, { kind: 'replay.consume', used });
        const event = { kind: 'token', id: `tok_${n}`, exp: Math.floor(NOW / 1000) as EpochSeconds } as const;
        await put(store, { kind: 'revocation.emit', event });
        const secret = row.secret(n, row.idOf('cli', 1), dead.at);
        await put(store, { kind: 'secret.add', secret });
      }
      await put(store, { kind: 'client.create', client: row.client(1) });
      await put(store, { kind: 'client.delete', id: row.idOf('cli', 1), at: dead.at });
      const living = { resourceId: row.idOf('res', 99), hash: 'h' as Sha256, expiresAt: row.after(1) };
      await put(store, { kind: 'replay.consume', used: living });
      await put(store, { kind: 'session.start', session: row.session(99) });
      await put(store, {
        kind: 'family.start',
        family: row.family(99, { clientId: row.idOf('cli', 2), sessionId: row.idOf('ses', 99) }),
      });
      const steps: number[] = [];
      do steps.push(await store.expire(NOW, 10));
      while (steps.at(-1) !== 0);
      same(steps, [10, 10, 10, 10, 10, 10, 4, 0]);
      same(await store.read.isUsed(living.resourceId, living.hash), true);
      same(await store.read.session(row.idOf('ses', 99)), row.session(99));
      same((await store.read.family(row.idOf('fam', 99)))?.ended, undefined);
      same(await store.read.client(row.idOf('cli', 1)), undefined);
    },
  },
  {
    name: 'TSL-14: a status list goes with the last of its tokens, and its indexes with it; the newest stays',
    async run(store) {
      const add = (n: number, list: number) => {
        const place = { list, index: n };
        const record = row.tokenRecord(n, { status: place, expiresAt: row.after(n) });
        return put(store, { kind: 'status_list.take', place }, { kind: 'token.record', record, max: 99 });
      };
      for (const [n, list] of [3, 1, 2].entries()) await add(n, list);
      const records = await store.read.statusRecords(1, { after: undefined, limit: 9 });
      same(records, [row.tokenRecord(1, { status: { list: 1, index: 1 }, expiresAt: row.after(1) })]);
      same(await store.read.statusRecords(1, { after: 1, limit: 9 }), []);
      const left: unknown[] = [];
      for (const at of [0, 1, 2]) {
        await store.expire(row.after(at), 99);
        left.push((await store.read.statusLists({ after: undefined, limit: 9 })).map(({ number }) => number));
      }
      same(left, [[1, 2, 3], [2, 3], [3]]);
      const taken = [1, 2, 3].map((list) => store.read.isStatusTaken({ list, index: [1, 2, 0][list - 1] ?? 0 }));
      same(await Promise.all(taken), [false, false, true]);
    },
  },
  {
    name: 'I7: a family goes with its session or its client, once no event of their end is kept, and never before',
    async run(store) {
      const [old, young] = [ended(-RETENTION - 1), ended(-RETENTION)];
      for (const [n, end] of [old, young, undefined].entries()) {
        await put(store, { kind: 'session.start', session: row.session(n) });
        await put(store, { kind: 'family.start', family: row.family(n, { sessionId: row.idOf('ses', n) }) });
        if (end !== undefined) await put(store, { kind: 'session.end', id: row.idOf('ses', n), ended: end });
        await put(store, { kind: 'client.create', client: row.client(n + 10) });
        const family = row.family(n + 10, { sessionId: undefined, clientId: row.idOf('cli', n + 10) });
        await put(store, { kind: 'family.start', family });
        if (end !== undefined) await put(store, { kind: 'client.delete', id: row.idOf('cli', n + 10), at: end.at });
      }
      // two families, then the session and the client that have none any more
      same([await store.expire(NOW, 1), await store.expire(NOW, 1)], [1, 1]);
      same((await store.read.session(row.idOf('ses', 0))) === undefined, false);
      same([await store.expire(NOW, 100), await store.expire(NOW, 100)], [2, 0]);
      const left = async (n: number) => [
        (await store.read.family(row.idOf('fam', n))) !== undefined,
        (await store.read.family(row.idOf('fam', n + 10))) !== undefined,
        (await store.read.session(row.idOf('ses', n))) !== undefined,
        (await store.read.client(row.idOf('cli', n + 10))) !== undefined,
      ];
      const [all, nothing] = [Array(4).fill(true), Array(4).fill(false)];
      same([await left(0), await left(1), await left(2)], [nothing, all, all]);
    },
  },
  {
    name: 'an ended family, session and client stay for as long as events about them are kept, to the millisecond',
    async run(store) {
      for (const [n, at] of [-RETENTION - 1, -RETENTION, -RETENTION + 1].entries()) {
        const family = row.family(n + 1, { clientId: row.idOf('cli', 9), sessionId: row.idOf('ses', n + 1) });
        await put(store, { kind: 'family.start', family });
        await put(store, { kind: 'family.end', id: row.idOf('fam', n + 1), ended: ended(at) });
        await put(store, { kind: 'session.start', session: row.session(n + 1, { expiresAt: row.after(at) }) });
        await put(store, { kind: 'client.create', client: row.client(n + 1) });
        await put(store, { kind: 'client.delete', id: row.idOf('cli', n + 1), at: row.after(at) });
      }
      same(await store.expire(NOW, 100), 3);
      for (const n of [1, 2, 3])
        same(
          [
            (await store.read.family(row.idOf('fam', n))) === undefined,
            (await store.read.session(row.idOf('ses', n))) === undefined,
            (await store.read.client(row.idOf('cli', n))) === undefined,
          ],
          [n === 1, n === 1, n === 1],
        );
    },
  },
  {
    name: 'CODE-02: a code stays known for the longest life that one may have, redeemed or not, to the millisecond',
    async run(store) {
      const LONGEST = DURATIONS.codeMax * 1000;
      for (const [n, at] of [-LONGEST - 1, -LONGEST, -LONGEST + 1].entries())
        for (const number of [n, n + 10]) {
          const code = row.code(number, { createdAt: row.after(at), expiresAt: row.after(at + 60_000) });
          await put(store, { kind: 'code.issue', code });
          if (number >= 10) await put(store, { kind: 'code.redeem', hash: code.hash, at: row.after(at) });
        }
      same([await store.expire(NOW, 1), await store.expire(NOW, 100), await store.expire(NOW, 100)], [1, 1, 0]);
      for (const n of [0, 1, 2])
        for (const number of [n, n + 10])
          same((await store.read.code(row.code(number).hash)) === undefined, n === 0, `code ${number}`);
    },
  },
  {
    name: 'I7: one row of a token more than its client may have takes the place of the one that expires first',
    async run(store) {
      const [MAX, other] = [3, row.idOf('cli', 2)];
      const record = (n: number, at: number, clientId = row.idOf('cli', 1)) =>
        put(store, {
          kind: 'token.record',
          record: row.tokenRecord(n, { clientId, expiresAt: row.after(at) }),
          max: MAX,
        });
      const left = async () => {
        const found = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => store.read.tokenRecord(row.idOf('tok', n)));
        return (await Promise.all(found)).flatMap((one) => (one === undefined ? [] : [one.claims.jti]));
      };
      const those = (...numbers: readonly number[]) => numbers.map((n) => row.idOf('tok', n));
      for (const [n, at] of [9, 2, 5].entries()) await record(n + 1, at);
      await record(4, 1, other);
      same(await left(), those(1, 2, 3, 4), 'each client has its own');
      await record(5, 7);
      same(await left(), those(1, 3, 4, 5));
      await record(6, 3);
      same(await left(), those(1, 4, 5, 6), 'also where the new one expires before all others');
      await put(store, { kind: 'token.forget', jti: row.idOf('tok', 1) });
      same(await store.expire(row.after(3), 1), 1);
      same(await left(), those(5, 6), 'the one that expired first went');
      same(await store.expire(row.after(3), 9), 1);
      for (const n of [7, 8]) await record(n, 9);
      same(await left(), those(5, 7, 8), 'what went has made room');
      await record(9, 9);
      same(await left(), those(7, 8, 9));
    },
  },
  {
    name: 'TSL-10: the row of a token in a status list makes way for no other: the list would say that the token is valid',
    async run(store) {
      const clientId = row.idOf('cli', 1);
      const write = (n: number, isListed: boolean) =>
        ({
          kind: 'token.record',
          record: row.tokenRecord(n, {
            ...(isListed ? { status: { list: 1, index: n } } : {}),
            expiresAt: row.after(n),
          }),
          max: 2,
        }) as const;
      for (const n of [1, 2]) await put(store, write(n, true));
      for (const n of [3, 4, 5]) await put(store, write(n, false));
      const there = [1, 2, 3, 4, 5].map((n) => store.read.tokenRecord(row.idOf('tok', n)));
      same(
        (await Promise.all(there)).map((one) => one !== undefined),
        [true, true, false, true, true],
      );
      same(await conflicts(store, [write(6, true)]), true, 'one more is none');
      same(
        [await store.read.listedTokenRecords(clientId), await store.read.listedTokenRecords(row.idOf('cli', 2))],
        [2, 0],
      );
      await put(store, { kind: 'token.forget', jti: row.idOf('tok', 1) });
      same(await store.read.listedTokenRecords(clientId), 1);
      await put(store, write(6, true));
      same(await store.expire(row.after(4), 9), 2);
      same(await store.read.listedTokenRecords(clientId), 1);
      await put(store, write(7, false));
      await put(store, write(8, true));
      same(await store.read.tokenRecordOwners({ after: undefined, limit: 9 }), [clientId]);
      same(await store.read.tokenRecord(row.idOf('tok', 5)), row.tokenRecord(5, { expiresAt: row.after(5) }));
    },
  },
  {
    name: 'the row of a token goes when the token has expired, to the millisecond',
    async run(store) {
      for (const n of [0, 1, 2])
        await put(store, {
          kind: 'token.record',
          record: row.tokenRecord(n, { expiresAt: row.after(n - 1) }),
          max: 9,
        });
      same([await store.expire(NOW, 1), await store.expire(NOW, 100), await store.expire(NOW, 100)], [1, 1, 0]);
      for (const n of [0, 1, 2]) same((await store.read.tokenRecord(row.idOf('tok', n))) === undefined, n < 2);
    },
  },
  {
    name: 'a login goes when its time is over, to the millisecond',
    async run(store) {
      for (const n of [0, 1, 2])
        await put(store, { kind: 'attempt.store', attempt: row.attempt(n, { expiresAt: row.after(n - 1) }) });
      same(await store.expire(NOW, 100), 2);
      for (const n of [0, 1, 2]) same((await store.read.attempt(row.idOf('att', n))) === undefined, n < 2);
    },
  },
  {
    name: 'I7: consents go with their client, once no event of its end is kept, and before it',
    async run(store) {
      const deleted = [-RETENTION - 1, -RETENTION, undefined];
      for (const [n, at] of deleted.entries()) {
        const clientId = row.idOf('cli', n);
        await put(store, { kind: 'client.create', client: row.client(n) });
        for (const person of [1, 2]) {
          const consent = row.consent({ clientId, accountId: row.idOf('acc', person) });
          await put(store, { kind: 'consent.store', consent });
        }
        if (at !== undefined) await put(store, { kind: 'client.delete', id: clientId, at: row.after(at) });
      }
      const left = async (n: number) =>
        (
          await Promise.all([1, 2].map((person) => store.read.consent(row.idOf('acc', person), row.idOf('cli', n))))
        ).filter((consent) => consent !== undefined).length;
      // the client is the last of its rows to go
      for (const count of [1, 0]) same([await store.expire(NOW, 1), await left(0)], [1, count]);
      same([await store.expire(NOW, 100), await store.expire(NOW, 100)], [1, 0]);
      for (const n of [0, 1, 2])
        same(
          [await left(n), (await store.read.client(row.idOf('cli', n))) === undefined],
          n === 0 ? [0, true] : [2, false],
        );
    },
  },
  {
    name: 'the check value of the key-encryption key is set once',
    async run(store) {
      same(await store.kekCheck(), undefined);
      await store.setKekCheck(Uint8Array.of(1, 2));
      await store.setKekCheck(Uint8Array.of(3));
      same(Array.from((await store.kekCheck()) ?? []), [1, 2]);
    },
  },
];
