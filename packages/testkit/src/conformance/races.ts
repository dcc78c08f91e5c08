import { decideDisableAccount, loadDisableAccount } from '@latchkey/domain/accounts/disable-account';
import { decideChangePassword, decideSetPassword, loadSetPassword } from '@latchkey/domain/accounts/set-password';
import { decideEndSession, loadEndSession } from '@latchkey/domain/administration/end-session';
import { proved } from '@latchkey/domain/clients/client';
import { decideDeleteClient, loadDeleteClient } from '@latchkey/domain/clients/delete-client';
import { decideRedeem, loadRedeem, type RedeemCommand } from '@latchkey/domain/grants/authorization-code';
import { decideRefresh, loadRefresh, type RefreshCommand } from '@latchkey/domain/grants/refresh-token';
import type { Store } from '@latchkey/domain/ports/store';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import { decideUseOnce, loadUseOnce } from '@latchkey/domain/tokens/use-once';
import { type Committed, transact } from '@latchkey/domain/transact';
import { type Sha256, seconds } from '@latchkey/protocol/types';
import { type ConformanceCase, conflicts, NOW, put, same } from './conformance-case.ts';
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
  acrLevels: [],
  issuer: 'https://id.example',
  adminApi: row.ADMIN_API,
  hookClaims: undefined,
});

const refresh = (store: Store, generation: number): Promise<Committed<TokenGrant>> =>
  transact(
    store,
    (read) => loadRefresh(read, command(generation), () => true),
    (facts, moment) => decideRefresh(facts, command(generation), moment),
  );

const CODE = row.code(1, { resources: [API.identifier] });
const SIGN_IN = row.client(1, { firstParty: true, grantTypes: ['authorization_code', 'refresh_token'] });

const fillWithCode = (store: Store) =>
  put(
    store,
    { kind: 'account.create', account: row.account(1), identifiers: [row.identifier(1)] },
    { kind: 'client.create', client: SIGN_IN },
    { kind: 'resource.create', resource: API },
    { kind: 'session.start', session: row.session(1, { pos: { epoch: NOW, seq: 0 } }) },
    { kind: 'code.issue', code: CODE },
  );

const redemption: RedeemCommand = {
  client: proved(SIGN_IN),
  codeHash: CODE.hash,
  redirectUri: CODE.redirectUri,
  challenge: CODE.challenge,
  resources: [],
  seed: row.refreshState().seed,
  macKeyId: 1,
  idleSeconds: 3_600,
  offlineSeconds: 3_600,
  issuer: 'https://id.example',
  adminApi: row.ADMIN_API,
  hookClaims: undefined,
  newSubject: 'new',
};

const redeem = (store: Store, more: Partial<RedeemCommand> = {}): Promise<Committed<TokenGrant>> =>
  transact(
    store,
    (read, moment) => loadRedeem(read, redemption, moment),
    (facts, moment) => decideRedeem(facts, { ...redemption, ...more }, moment),
  );

const ofAccount = { administrator, id: accountId, adminApi: row.ADMIN_API };

/** Everything that ends a family from elsewhere, as the server does it. */
const ENDERS: Readonly<Record<string, (store: Store) => Promise<Committed<unknown>>>> = {
  'the account is disabled': (store) =>
    transact(
      store,
      (read, moment) => loadDisableAccount(read, ofAccount, moment),
      (facts, moment) => decideDisableAccount(facts, ofAccount, moment),
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
      (read) => loadDeleteClient(read, { id: clientId }),
      (facts, moment) => decideDeleteClient(facts, { administrator, id: clientId, adminApi: row.ADMIN_API }, moment),
    ),
  'an administrator sets the password': (store) =>
    transact(
      store,
      (read, moment) => loadSetPassword(read, accountId, moment),
      (facts, moment) => decideSetPassword(facts, { ...ofAccount, phc: '$new', language: undefined }, moment),
    ),
  'the password is changed elsewhere': (store) =>
    transact(
      store,
      (read, moment) => loadSetPassword(read, accountId, moment),
      (facts, moment) =>
        decideChangePassword(
          facts,
          {
            id: accountId,
            proof: { result: 'match', accountId, version: 1 },
            phc: '$new',
            sessionId: undefined,
            language: undefined,
          },
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
  {
    name: 'CODE-01, CODE-02: of twenty redemptions of one code one is answered, and the next ends its family, once',
    async run(store) {
      await fillWithCode(store);
      const answers = (await Promise.all(Array.from({ length: 20 }, () => redeem(store)))).map(answerOf);
      same(answers.sort(), [...Array.from({ length: 19 }, () => 'code_used'), 'generation 0']);
      same((await store.read.code(CODE.hash))?.redeemedAt, NOW);
      same((await store.read.family(CODE.familyId))?.ended?.reason, 'authorization_code_replayed');
      same(
        (await store.read.revocations(0, NOW, 9)).map(({ kind, id }) => [kind, id]),
        [['family', CODE.familyId]],
      );
    },
  },
  {
    name: 'OIDC-03: of many first visits to a sector at once all get the name that one of them gave',
    async run(store) {
      await fillWithCode(store);
      const visits = Array.from({ length: 8 }, (_, n) => ({
        client: row.client(n + 2, { ...SIGN_IN, id: row.idOf('cli', n + 2), sector: 'app.example' }),
        code: row.code(n + 2, { ...CODE, hash: row.code(n + 2).hash, familyId: row.idOf('fam', n + 20) }),
      }));
      for (const { client, code } of visits)
        await put(
          store,
          { kind: 'client.create', client },
          { kind: 'code.issue', code: { ...code, clientId: client.id } },
        );
      const granted = await Promise.all(
        visits.map(({ client, code }, n) => {
          const command = { ...redemption, client: proved(client), codeHash: code.hash, newSubject: `name ${n}` };
          return transact(
            store,
            (read, moment) => loadRedeem(read, command, moment),
            (facts, moment) => decideRedeem(facts, command, moment),
          );
        }),
      );
      const names = granted.map(({ outcome }) => (outcome.ok ? outcome.value.access.subject : outcome.error));
      same(
        names,
        Array.from({ length: 8 }, () => names[0]),
      );
      same(await store.read.subject('app.example', accountId), names[0]);
      same(await store.read.accountOfSubject('app.example', String(names[0])), accountId);
    },
  },
  {
    name: 'of twenty uses at once of a token that may be used once, one is the first',
    async run(store) {
      const { position } = await store.read.moment();
      const once = { resourceId: API.id, hash: 'h' as Sha256, exp: seconds(row.after(60_000)), pos: position };
      const uses = await Promise.all(
        Array.from({ length: 20 }, () =>
          transact(
            store,
            (read) => loadUseOnce(read, once),
            (isUsed, moment) => decideUseOnce(isUsed, once, moment),
          ),
        ),
      );
      const answers = uses.map(({ outcome }) => (outcome.ok ? outcome.value : outcome.error));
      same(answers.sort(), ['first', ...Array.from({ length: 19 }, () => 'seen')]);
    },
  },
  {
    name: 'CODE-01: code.redeem of twenty transactions that saw the same code commits once',
    async run(store) {
      await fillWithCode(store);
      const spend = { kind: 'code.redeem', hash: CODE.hash, at: NOW } as const;
      const lost = await Promise.all(Array.from({ length: 20 }, () => conflicts(store, [spend])));
      same(lost.filter((isLost) => !isLost).length, 1);
    },
  },
  {
    name: 'CODE-04: of many wrong verifiers at once three count, and then the right one is refused, too',
    async run(store) {
      await fillWithCode(store);
      const wrong = Array.from({ length: 8 }, () => redeem(store, { challenge: 'wrong' }));
      same((await Promise.all(wrong)).map(answerOf).sort(), [
        ...Array.from({ length: 5 }, () => 'code_tries_exceeded'),
        ...Array.from({ length: 3 }, () => 'code_verifier_wrong'),
      ]);
      same(answerOf(await redeem(store)), 'code_tries_exceeded');
      same((await store.read.code(CODE.hash))?.wrongTries, 3);
    },
  },
];
