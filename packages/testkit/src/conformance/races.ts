import { decideDisableAccount, loadDisableAccount } from '@latchkey/domain/accounts/disable-account';
import { decideChangePassword, decideSetPassword, loadSetPassword } from '@latchkey/domain/accounts/set-password';
import { decideEndSession, loadEndSession } from '@latchkey/domain/administration/end-session';
import { proved } from '@latchkey/domain/clients/client';
import { decideDeleteClient, loadDeleteClient } from '@latchkey/domain/clients/delete-client';
import { decideRefresh, loadRefresh, type RefreshCommand } from '@latchkey/domain/grants/refresh-token';
import type { Store } from '@latchkey/domain/ports/store';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import { type Committed, transact } from '@latchkey/domain/transact';
import { type ConformanceCase, NOW, put, same } from './conformance-case.ts';
import * as row from './rows.ts';

const administrator = { id: 'cli_admin', scope: ['accounts:write', 'clients:write', 'sessions:write'] };
const [accountId, clientId, sessionId] = [row.idOf('acc', 1), row.idOf('cli', 1), row.idOf('ses', 1)] as const;
const API = row.resource(1);

const fill = (store: Store, overlapMilliseconds: number) =>
  put(
    store,
    { kind: 'account.create', account: row.account(1), identifiers: [row.identifier(1)] },
    { kind: 'password.set', id: accountId, phc: '$old', at: NOW },
    { kind: 'client.create', client: row.client(1, { overlapMilliseconds }) },
    { kind: 'resource.create', resource: API },
    { kind: 'session.start', session: row.session(1, { pos: { epoch: NOW, seq: 0 } }) },
    {
      kind: 'family.start',
      family: row.family(1, { pos: { epoch: NOW, seq: 0 }, resources: [API.identifier] }),
    },
  );

const command = (generation: number): RefreshCommand => ({
  client: proved(row.client(1)),
  familyId: row.idOf('fam', 1),
  generation,
  delivery: 'body',
  provedKey: undefined,
  attemptHash: undefined,
  scope: undefined,
  resources: [],
  macKeyId: 1,
  overlapMilliseconds: 10_000,
});

const refresh = (store: Store, generation: number): Promise<Committed<TokenGrant>> =>
  transact(
    store,
    (read) => loadRefresh(read, command(generation), () => true),
    (facts, moment) => decideRefresh(facts, command(generation), moment),
  );

/** Everything that ends a family from elsewhere, as the server does it. */
const ENDERS: Readonly<Record<string, (store: Store) => Promise<Committed<unknown>>>> = {
  'the account is disabled': (store) =>
    transact(
      store,
      (read, moment) => loadDisableAccount(read, { administrator, id: accountId }, moment),
      (facts, moment) => decideDisableAccount(facts, { administrator, id: accountId }, moment),
    ),
  'the session is ended': (store) =>
    transact(
      store,
      (read) => loadEndSession(read, { administrator, id: sessionId }),
      (session, moment) => decideEndSession(session, { administrator, id: sessionId }, moment),
    ),
  'the client is deleted': (store) =>
    transact(
      store,
      (read) => loadDeleteClient(read, { administrator, id: clientId }),
      (facts, moment) => decideDeleteClient(facts, { administrator, id: clientId }, moment),
    ),
  'an administrator sets the password': (store) =>
    transact(
      store,
      (read, moment) => loadSetPassword(read, accountId, moment),
      (facts, moment) => decideSetPassword(facts, { administrator, id: accountId, phc: '$new' }, moment),
    ),
  'the password is changed elsewhere': (store) =>
    transact(
      store,
      (read, moment) => loadSetPassword(read, accountId, moment),
      (facts, moment) =>
        decideChangePassword(
          facts,
          { id: accountId, proof: { result: 'match', accountId, version: 1 }, phc: '$new', sessionId: undefined },
          moment,
        ),
    ),
};

const answerOf = ({ outcome }: Committed<TokenGrant>) =>
  outcome.ok ? `generation ${outcome.value.refresh?.generation}` : outcome.error;

const raced = (name: string, end: (store: Store) => Promise<Committed<unknown>>, refreshFirst: boolean) => ({
  name: `a refresh raced with: ${name} (${refreshFirst ? 'asked before it' : 'asked after it'})`,
  async run(store: Store) {
    await fill(store, 0);
    const race = refreshFirst
      ? await Promise.all([refresh(store, 0), end(store)])
      : await Promise.all([end(store), refresh(store, 0)]).then(([ending, refreshed]) => [refreshed, ending] as const);
    const [refreshed, ending] = race;
    same(ending.outcome.ok, true);
    const [event, ...more] = await store.read.revocations(0, NOW, 9);
    same(more, []);
    const generation = (await store.read.family(row.idOf('fam', 1)))?.refresh?.generation;
    if (refreshed.outcome.ok) {
      // the refresh came first: what it issued stands before the event, so that every verifier refuses it
      same([refreshed.moment.position.seq, event?.seq, generation], [0, 1, 1]);
    } else {
      same([answerOf(refreshed), generation], ['refresh_token_ended', 0]);
    }
    same(answerOf(await refresh(store, generation ?? 0)), 'refresh_token_ended');
  },
});

export const RACES: readonly ConformanceCase[] = [
  ...Object.entries(ENDERS).flatMap(([name, end]) => [raced(name, end, true), raced(name, end, false)]),
  {
    name: 'I2: of many refreshes with one token and no overlap, one rotates, and the next ends the family',
    async run(store) {
      await fill(store, 0);
      const answers = (await Promise.all(Array.from({ length: 8 }, () => refresh(store, 0)))).map(answerOf);
      same(answers.sort(), [
        'generation 1',
        ...Array.from({ length: 6 }, () => 'refresh_token_ended'),
        'refresh_token_reused',
      ]);
      same((await store.read.revocations(0, NOW, 9)).length, 1);
      same((await store.read.family(row.idOf('fam', 1)))?.ended?.reason, 'refresh_token_reused');
    },
  },
  {
    name: 'I2: many refreshes with one token within its overlap get one and the same successor',
    async run(store) {
      await fill(store, 10_000);
      const answers = (await Promise.all(Array.from({ length: 8 }, () => refresh(store, 0)))).map(answerOf);
      same(new Set(answers), new Set(['generation 1']));
      const family = await store.read.family(row.idOf('fam', 1));
      same([family?.refresh?.generation, family?.refresh?.overlapUses, family?.ended], [1, 7, undefined]);
    },
  },
];
