import type { Store } from '@latchkey/domain/ports/store';
import type { Write } from '@latchkey/domain/write';
import type { EpochSeconds, NormalisedIdentifier, Sha256 } from '@latchkey/protocol/types';
import { auditMac, conflicts, NOW, put, same } from './conformance-case.ts';
import * as row from './rows.ts';

const ended = { at: row.after(5), reason: 'logout', by: 'server' } as const;
const exp = (Math.floor(NOW / 1000) + 60) as EpochSeconds;
const [a1, s1, f1, c1] = [row.account(1), row.session(1), row.family(1), row.client(1)] as const;
const startFamily: Write = { kind: 'family.start', family: f1 };
const createAccount: Write = { kind: 'account.create', account: a1, identifiers: [row.identifier(1)] };
const setPassword: Write = { kind: 'password.set', id: a1.id, phc: '$one', at: NOW };

const KEY = row.idOf('key', 1);

const credential = { accountId: a1.id, version: 1, phc: '$one', changedAt: NOW, failures: 0, lastFailureAt: undefined };

/** One proof per kind of write; the compiler refuses this file when a kind is missing. */
export const EVERY_WRITE: Readonly<Record<Write['kind'], (store: Store) => Promise<void>>> = {
  async 'account.create'(store) {
    const names = [row.identifier(1, 'b'), { ...row.identifier(1, 'a@example.com'), kind: 'email' as const }];
    await put(store, { kind: 'account.create', account: a1, identifiers: names });
    same(await store.read.account(a1.id), a1);
    same(await store.read.identifiers(a1.id), [names[1], names[0]]);
    same(await store.read.identifier('b' as NormalisedIdentifier), names[0]);
    const second = { kind: 'account.create', account: row.account(2), identifiers: [row.identifier(2, 'b')] } as const;
    same(await conflicts(store, [second]), true, 'a name belongs to one account');
    same(await store.read.account(row.account(2).id), undefined);
  },
  async 'account.disable'(store) {
    await put(store, createAccount);
    const disable = { kind: 'account.disable', id: a1.id, at: row.after(1) } as const;
    await put(store, disable);
    same(await store.read.account(a1.id), { ...a1, version: 2, disabledAt: row.after(1) });
    same(await conflicts(store, [disable]), true);
  },
  async 'account.enable'(store) {
    await put(store, createAccount, { kind: 'account.disable', id: a1.id, at: NOW });
    await put(store, { kind: 'account.enable', id: a1.id });
    same(await store.read.account(a1.id), { ...a1, version: 3 });
    same(await conflicts(store, [{ kind: 'account.enable', id: a1.id }]), true);
  },
  async 'identifier.add'(store) {
    await put(store, createAccount);
    const added = { ...row.identifier(1, 'a@example.com'), kind: 'email', verifiedAt: NOW } as const;
    await put(store, { kind: 'identifier.add', identifier: added });
    same(await store.read.identifiers(a1.id), [added, row.identifier(1)]);
    const taken = { kind: 'identifier.add', identifier: { ...added, accountId: row.idOf('acc', 2) } } as const;
    same(await conflicts(store, [taken]), true, 'a name belongs to one account');
  },
  async 'identifier.remove'(store) {
    await put(store, createAccount);
    const { normalised } = row.identifier(1);
    const other = { kind: 'identifier.remove', normalised, accountId: row.idOf('acc', 2) } as const;
    same(await conflicts(store, [other]), true, "somebody else's");
    await put(store, { ...other, accountId: a1.id });
    same(await store.read.identifiers(a1.id), []);
  },
  async 'identifier.verify'(store) {
    await put(store, createAccount);
    const { normalised } = row.identifier(1);
    for (const at of [row.after(1), row.after(2)]) await put(store, { kind: 'identifier.verify', normalised, at });
    same(await store.read.identifier(normalised), { ...row.identifier(1), verifiedAt: row.after(1) });
  },
  async 'password.set'(store) {
    await put(store, setPassword);
    same(await store.read.password(a1.id), credential);
    await put(store, { kind: 'password.fail', id: a1.id, at: NOW });
    await put(store, { ...setPassword, phc: '$two', at: row.after(9) });
    same(await store.read.password(a1.id), { ...credential, version: 2, phc: '$two', changedAt: row.after(9) });
  },
  async 'password.rehash'(store) {
    await put(store, setPassword);
    await put(store, { kind: 'password.rehash', id: a1.id, version: 1, phc: '$newer' });
    same(await store.read.password(a1.id), { ...credential, phc: '$newer' });
    await put(store, { kind: 'password.rehash', id: a1.id, version: 2, phc: '$of another password' });
    same(await store.read.password(a1.id), { ...credential, phc: '$newer' });
  },
  async 'password.fail'(store) {
    await put(store, setPassword);
    await put(store, { kind: 'password.fail', id: a1.id, at: row.after(1) });
    await put(store, { kind: 'password.fail', id: a1.id, at: row.after(2) });
    same(await store.read.password(a1.id), { ...credential, failures: 2, lastFailureAt: row.after(2) });
    same(await conflicts(store, [{ kind: 'password.fail', id: row.idOf('acc', 2), at: NOW }]), true);
  },
  async 'password.succeed'(store) {
    await put(store, setPassword, { kind: 'password.fail', id: a1.id, at: NOW });
    await put(store, { kind: 'password.succeed', id: a1.id });
    same(await store.read.password(a1.id), credential);
  },
  async 'link.issue'(store) {
    const address = {
      kind: 'email',
      normalised: 'a@example.com' as NormalisedIdentifier,
      display: 'A@example.com',
    } as const;
    const first = row.link(1, { address, attemptId: row.attempt(1).id });
    const others = [row.link(2), row.link(3, { subject: first.subject, purpose: 'sign_in' })];
    for (const link of [first, ...others]) await put(store, { kind: 'link.issue', link });
    same(await store.read.link(first.hash), first);
    const newer = row.link(4, { subject: first.subject, accountId: undefined });
    await put(store, { kind: 'link.issue', link: newer });
    same([await store.read.link(first.hash), await store.read.link(newer.hash)], [undefined, newer]);
    for (const link of others) same(await store.read.link(link.hash), link);
  },
  async 'link.use'(store) {
    await put(store, { kind: 'link.issue', link: row.link(1) });
    await put(store, { kind: 'link.use', hash: row.link(1).hash });
    same(await store.read.link(row.link(1).hash), undefined);
    same(await conflicts(store, [{ kind: 'link.use', hash: row.link(1).hash }]), true, 'a link is good once');
  },
  async 'link.end'(store) {
    const ofNobody = row.link(3, { accountId: undefined });
    for (const link of [row.link(1), row.link(2), ofNobody]) await put(store, { kind: 'link.issue', link });
    const { accountId } = row.link(1);
    if (accountId === undefined) throw new Error('a link of nobody');
    await put(store, { kind: 'link.end', accountId });
    await put(store, { kind: 'link.end', accountId });
    same(await store.read.link(row.link(1).hash), undefined);
    same(await store.read.link(row.link(2).hash), row.link(2));
    same(await store.read.link(ofNobody.hash), ofNobody);
  },
  async 'profile.set'(store) {
    same(await store.read.profile(a1.id), undefined);
    await put(store, { kind: 'profile.set', profile: row.profile(1) });
    same(await store.read.profile(a1.id), row.profile(1));
    const second = row.profile(1, { version: 2, claims: { name: 'A' }, updatedAt: row.after(4) });
    await put(store, { kind: 'profile.set', profile: second });
    same(await store.read.profile(a1.id), second);
    same(await store.read.profile(row.idOf('acc', 2)), undefined);
    same(await conflicts(store, [{ kind: 'profile.set', profile: second }]), true, 'what was seen is what is replaced');
    same(await conflicts(store, [{ kind: 'profile.set', profile: { ...second, version: 4 } }]), true);
  },
  async 'account_metadata.set'(store) {
    same(await store.read.metadata(a1.id), undefined);
    await put(store, { kind: 'account_metadata.set', metadata: row.metadata(1) });
    same(await store.read.metadata(a1.id), row.metadata(1));
    const second = row.metadata(1, { version: 2, tenant: undefined, values: {} });
    await put(store, { kind: 'account_metadata.set', metadata: second });
    same(await store.read.metadata(a1.id), second);
    same(await store.read.metadata(row.idOf('acc', 2)), undefined);
    same(await conflicts(store, [{ kind: 'account_metadata.set', metadata: second }]), true, 'no version twice');
    same(await conflicts(store, [{ kind: 'account_metadata.set', metadata: { ...second, version: 4 } }]), true);
  },
  async 'attempt.store'(store) {
    await put(store, { kind: 'attempt.store', attempt: row.ownLogin(2) });
    same(await store.read.attempt(row.ownLogin(2).id), row.ownLogin(2));
    const first = row.attempt(1);
    await put(store, { kind: 'attempt.store', attempt: first });
    same(await store.read.attempt(first.id), first);
    const second = { ...first, version: 2, progress: { stage: 'chosen', sessionId: s1.id } } as const;
    await put(store, { kind: 'attempt.store', attempt: second });
    same(await store.read.attempt(first.id), second);
    same(await conflicts(store, [{ kind: 'attempt.store', attempt: second }]), true, 'a step is taken once');
    same(await conflicts(store, [{ kind: 'attempt.store', attempt: { ...second, version: 4 } }]), true);
  },
  async 'attempt.remove'(store) {
    await put(store, { kind: 'attempt.store', attempt: row.attempt(1) });
    await put(store, { kind: 'attempt.remove', id: row.attempt(1).id });
    same(await store.read.attempt(row.attempt(1).id), undefined);
    same(await conflicts(store, [{ kind: 'attempt.remove', id: row.attempt(1).id }]), true, 'an attempt is used once');
  },
  async 'session.start'(store) {
    const bare = row.session(2, { acr: undefined, address: undefined, userAgent: undefined, amr: [] });
    await put(store, { kind: 'session.start', session: s1 }, { kind: 'session.start', session: bare });
    same([await store.read.session(s1.id), await store.read.session(bare.id)], [s1, bare]);
  },
  async 'session.authenticate'(store) {
    const signedIn = row.session(2, { cookie: row.cookie(1) });
    await put(store, { kind: 'session.start', session: signedIn });
    same(await store.read.sessionByCookie(row.cookie(1).hash), signedIn);
    const again = {
      authTime: (signedIn.authTime + 9) as EpochSeconds,
      amr: ['pwd', 'otp'],
      acr: 'two',
      cookie: row.cookie(2),
    };
    const authenticate = { kind: 'session.authenticate', id: signedIn.id, from: 1, ...again } as const;
    await put(store, authenticate);
    same(await store.read.session(signedIn.id), { ...signedIn, ...again, version: 2 });
    same(await store.read.sessionByCookie(row.cookie(1).hash), undefined, 'the cookie before is of no more use');
    same(await conflicts(store, [authenticate]), true);
    await put(store, { kind: 'session.end', id: signedIn.id, ended });
    same(await conflicts(store, [{ ...authenticate, from: 3 }]), true, 'a session that has ended stays so');
  },
  async 'session.see'(store) {
    const signedIn = row.session(2, { cookie: row.cookie(1) });
    await put(store, { kind: 'session.start', session: s1 }, { kind: 'session.start', session: signedIn });
    for (const id of [s1.id, signedIn.id]) await put(store, { kind: 'session.see', id, at: row.after(90) });
    same(await store.read.session(s1.id), s1);
    same(await store.read.session(signedIn.id), { ...signedIn, cookie: row.cookie(1, { seenAt: row.after(90) }) });
    same(
      (await store.read.liveSessions(a1.id, NOW)).map(({ lastSeenAt }) => lastSeenAt),
      [NOW, row.after(90)],
    );
  },
  async 'session.end'(store) {
    await put(store, { kind: 'session.start', session: s1 });
    await put(store, { kind: 'session.end', id: s1.id, ended });
    await put(store, { kind: 'session.end', id: s1.id, ended: { ...ended, reason: 'password_changed' } });
    same(await store.read.session(s1.id), { ...s1, version: 2, ended }, 'the first end stays');
  },
  async 'consent.store'(store) {
    await put(store, { kind: 'consent.store', consent: row.consent() });
    same(await store.read.consent(a1.id, c1.id), row.consent());
    const more = row.consent({ scope: ['openid', 'write'], resources: [], givenAt: row.after(3) });
    await put(store, { kind: 'consent.store', consent: more });
    same(await store.read.consent(a1.id, c1.id), more);
    same(await store.read.consent(row.idOf('acc', 2), c1.id), undefined);
  },
  async 'consent.withdraw'(store) {
    const other = row.consent({ clientId: row.idOf('cli', 2) });
    await put(store, { kind: 'consent.store', consent: other }, { kind: 'consent.store', consent: row.consent() });
    same(await store.read.consents(a1.id), [row.consent(), other]);
    const withdraw = { kind: 'consent.withdraw', accountId: a1.id, clientId: c1.id } as const;
    await put(store, withdraw);
    same(await store.read.consents(a1.id), [other]);
    same(await conflicts(store, [withdraw]), true, 'what is withdrawn is withdrawn once');
    const [offline, foreign] = [row.family(2, { sessionId: undefined }), row.family(3, { clientId: other.clientId })];
    const gone = [row.family(4, { expiresAt: NOW }), row.family(5, { ended })];
    for (const family of [f1, offline, foreign, ...gone]) await put(store, { kind: 'family.start', family });
    await put(store, { kind: 'family.end', id: row.family(5).id, ended });
    same(await store.read.familiesOf(a1.id, c1.id, NOW), [f1, offline]);
  },
  async 'code.issue'(store) {
    const bare = row.code(2, { nonce: undefined, challenge: undefined, isRedirectUriGiven: false, scope: [] });
    const full = row.code(3, { idTokenClaims: ['email', 'name'], acr: 'two' });
    for (const code of [row.code(1), bare, full]) {
      await put(store, { kind: 'code.issue', code });
      same(await store.read.code(code.hash), code);
    }
  },
  async 'code.redeem'(store) {
    const redeem = { kind: 'code.redeem', hash: row.code(1).hash, at: row.after(2) } as const;
    same(await conflicts(store, [redeem]), true);
    await put(store, { kind: 'code.issue', code: row.code(1) });
    await put(store, redeem);
    same(await store.read.code(row.code(1).hash), row.code(1, { redeemedAt: row.after(2) }));
    same(await conflicts(store, [redeem]), true, 'CODE-01: a code is redeemed once');
  },
  async 'code.miss'(store) {
    await put(store, { kind: 'code.issue', code: row.code(1) });
    for (const hash of [row.code(1).hash, row.code(1).hash, row.code(2).hash])
      await put(store, { kind: 'code.miss', hash });
    same(await store.read.code(row.code(1).hash), row.code(1, { wrongTries: 2 }));
  },
  async 'subject.assign'(store) {
    const assign = { kind: 'subject.assign', sector: 'app.example', accountId: a1.id, subject: 'one' } as const;
    const elsewhere = { ...assign, sector: 'other.example', subject: 'two' };
    await put(store, assign, elsewhere);
    same(await store.read.subject('app.example', a1.id), 'one');
    same(await store.read.subject('other.example', a1.id), 'two');
    same(await store.read.subject('app.example', row.idOf('acc', 2)), undefined);
    same(await store.read.accountOfSubject('app.example', 'one'), a1.id);
    same(await store.read.accountOfSubject('other.example', 'one'), undefined, 'a name counts in its own sector only');
    same(await conflicts(store, [{ ...assign, subject: 'three' }]), true, 'OIDC-03: one name a sector');
    const taken = { ...assign, accountId: row.idOf('acc', 2) };
    same(await conflicts(store, [taken]), true, 'OIDC-03: a name is never given to somebody else');
  },
  async 'family.start'(store) {
    const full = row.family(2, {
      idTokenClaims: ['email', 'name'],
      delivery: 'cookie',
      cnf: { jkt: 'thumbprint' },
      authenticated: { authTime: row.session(1).authTime, amr: ['pwd', 'otp'], acr: 'two' },
      refresh: row.refreshState({ attemptHash: 'hash' as Sha256, overlapMilliseconds: 10_000, overlapUses: 1 }),
    });
    const authenticated = { authTime: row.session(1).authTime, amr: [], acr: undefined };
    const named = row.family(4, { pairwise: { subject: 'one', sid: row.idOf('fam', 4) } });
    await put(store, { kind: 'family.start', family: named });
    same(await store.read.family(named.id), named);
    const bare = row.family(3, { sessionId: undefined, refresh: undefined, scope: [], authenticated });
    await put(store, startFamily, { kind: 'family.start', family: full }, { kind: 'family.start', family: bare });
    for (const family of [f1, full, bare]) same(await store.read.family(family.id), family);
  },
  async 'family.rotate'(store) {
    await put(store, startFamily);
    const rotate = {
      kind: 'family.rotate',
      id: f1.id,
      from: 0,
      at: row.after(7),
      overlapMilliseconds: 10_000,
      attemptHash: 'hash' as Sha256,
      overlapStreak: 2,
      macKeyId: 9,
    } as const;
    await put(store, rotate);
    const next = row.refreshState({
      generation: 1,
      rotatedAt: row.after(7),
      lastUsedAt: row.after(7),
      overlapMilliseconds: 10_000,
      attemptHash: 'hash' as Sha256,
      overlapStreak: 2,
      macKeyId: 9,
    });
    same(await store.read.family(f1.id), { ...f1, refresh: next });
    same(await conflicts(store, [rotate]), true, 'RT-04: one rotation per generation');
    same(await conflicts(store, [{ ...rotate, from: 2 }]), true);
    await put(store, { kind: 'family.end', id: f1.id, ended });
    same(await conflicts(store, [{ ...rotate, from: 1 }]), true, 'an ended family is not rotated');
  },
  async 'family.touch'(store) {
    await put(store, startFamily);
    await put(store, { kind: 'family.touch', id: f1.id, generation: 0, at: row.after(3) });
    same(await store.read.family(f1.id), { ...f1, refresh: row.refreshState({ lastUsedAt: row.after(3) }) });
    same(await conflicts(store, [{ kind: 'family.touch', id: f1.id, generation: 1, at: NOW }]), true);
  },
  async 'family.use_overlap'(store) {
    await put(store, startFamily);
    const use = { kind: 'family.use_overlap', id: f1.id, generation: 0, streak: 3 } as const;
    await put(store, use, use);
    same(await store.read.family(f1.id), { ...f1, refresh: row.refreshState({ overlapUses: 2, overlapStreak: 3 }) });
    same(await conflicts(store, [{ ...use, generation: 1 }]), true);
  },
  async 'family.end'(store) {
    await put(store, startFamily);
    await put(store, { kind: 'family.end', id: f1.id, ended });
    await put(store, { kind: 'family.end', id: f1.id, ended: { ...ended, by: 'cli_x' } });
    same(await store.read.family(f1.id), { ...f1, ended });
  },
  async 'family.end_offline'(store) {
    const offline = row.family(2, { sessionId: undefined });
    const foreign = row.family(3, { sessionId: undefined, accountId: row.idOf('acc', 2) });
    await put(store, startFamily, { kind: 'family.start', family: offline }, { kind: 'family.start', family: foreign });
    await put(store, { kind: 'family.end_offline', accountId: a1.id, ended });
    same(await store.read.family(f1.id), f1);
    same(await store.read.family(offline.id), { ...offline, ended });
    same(await store.read.family(foreign.id), foreign);
  },
  async 'token.record'(store) {
    const plain = row.tokenRecord(2, { opaque: undefined, status: { list: 1, index: 7 } });
    const record = (one: typeof plain, max = 3) => ({ kind: 'token.record', record: one, max }) as const;
    await put(store, record(row.tokenRecord(1)));
    await put(store, record(plain));
    same(await store.read.tokenRecord(row.idOf('tok', 1)), row.tokenRecord(1));
    same(await store.read.tokenRecord(plain.jti), plain);
    same(await store.read.tokenRecordByHandle('handle-1' as Sha256), row.tokenRecord(1));
    same(await store.read.tokenRecordByHandle('handle-2' as Sha256), undefined);
    same(await conflicts(store, [record(row.tokenRecord(1))]), true, 'a jti names one token');
    const { opaque } = row.tokenRecord(1);
    same(await conflicts(store, [record(row.tokenRecord(3, { opaque }))]), true, 'a text is of one token');
    const { status } = plain;
    same(await conflicts(store, [record(row.tokenRecord(3, { status }))]), true, 'a place is of one token');
    await put(store, record(row.tokenRecord(3, { status: { list: 1, index: 8 } })));
    const [first, second] = [row.idOf('cli', 1), row.idOf('cli', 2)];
    await put(store, record(row.tokenRecord(4, { clientId: second })));
    const owners = [undefined, first, second].map((after) => store.read.tokenRecordOwners({ after, limit: 1 }));
    same(await Promise.all(owners), [[first], [second], []]);
  },
  async 'token.forget'(store) {
    for (const n of [1, 2]) await put(store, { kind: 'token.record', record: row.tokenRecord(n), max: 2 });
    const forget = { kind: 'token.forget', jti: row.idOf('tok', 1) } as const;
    await put(store, forget, forget);
    same(await store.read.tokenRecord(forget.jti), undefined);
    same(await store.read.tokenRecordByHandle('handle-1' as Sha256), undefined);
    await put(store, { kind: 'token.record', record: row.tokenRecord(3), max: 2 });
    same(await store.read.tokenRecord(row.idOf('tok', 2)), row.tokenRecord(2), 'there was room for the third');
  },
  async 'status_list.take'(store) {
    same(await store.read.newestStatusList(), undefined);
    const take = (list: number, index: number) => ({ kind: 'status_list.take', place: { list, index } }) as const;
    await put(store, take(1, 7), take(1, 8), take(2, 7));
    same(await store.read.newestStatusList(), { number: 2, taken: 1 });
    same(await store.read.statusLists({ after: undefined, limit: 1 }), [{ number: 1, taken: 2 }]);
    same(await store.read.statusLists({ after: 1, limit: 9 }), [{ number: 2, taken: 1 }]);
    same(await store.read.isStatusTaken({ list: 1, index: 8 }), true);
    same(await store.read.isStatusTaken({ list: 2, index: 8 }), false);
    same(await conflicts(store, [take(1, 7)]), true, 'an index is of one token');
  },
  async 'replay.consume'(store) {
    const used = { resourceId: row.idOf('res', 1), hash: 'h1' as Sha256, expiresAt: row.after(1) } as const;
    const others = [
      { ...used, hash: 'h2' as Sha256 },
      { ...used, resourceId: row.idOf('res', 2) },
    ];
    await put(store, { kind: 'replay.consume', used });
    same(await store.read.isUsed(used.resourceId, used.hash), true);
    for (const other of others) same(await store.read.isUsed(other.resourceId, other.hash), false);
    same(await conflicts(store, [{ kind: 'replay.consume', used }]), true, 'a token is used once');
    for (const other of others) await put(store, { kind: 'replay.consume', used: other });
  },
  async 'client.create'(store) {
    const other = row.client(2, { authentication: 'none', firstParty: true, refreshPolicy: 'keep', origins: [] });
    const told = row.client(4, {
      backchannelLogoutUri: 'https://app.example/logout?tenant=1',
      backchannelLogoutSessionRequired: true,
      sector: 'app.example',
    });
    const third = row.client(3, { overlapMilliseconds: 30_000, authentication: 'client_secret_post' });
    for (const client of [c1, other, third, told]) {
      await put(store, { kind: 'client.create', client });
      same(await store.read.client(client.id), client);
    }
  },
  async 'client.delete'(store) {
    await put(store, { kind: 'client.create', client: c1 });
    await put(store, { kind: 'client.delete', id: c1.id, at: row.after(4) });
    same(await store.read.client(c1.id), { ...c1, version: 2, deletedAt: row.after(4) });
    same(await conflicts(store, [{ kind: 'client.delete', id: c1.id, at: NOW }]), true);
  },
  async 'secret.add'(store) {
    const secrets = [row.secret(1, c1.id), row.secret(2, c1.id, row.after(1))];
    const ofResource = row.secret(3, row.idOf('res', 1));
    for (const secret of [...secrets, ofResource]) await put(store, { kind: 'secret.add', secret });
    same(await store.read.secrets(c1.id), secrets);
    same(await store.read.secrets(row.idOf('res', 1)), [ofResource]);
  },
  async 'secret.expire'(store) {
    const secret = row.secret(1, c1.id);
    await put(store, { kind: 'secret.add', secret });
    await put(store, { kind: 'secret.expire', id: secret.id, at: row.after(10) });
    await put(store, { kind: 'secret.expire', id: secret.id, at: row.after(20) });
    same(await store.read.secrets(c1.id), [{ ...secret, expiresAt: row.after(10) }], 'an end is never put off');
  },
  async 'secret.remove'(store) {
    await put(store, { kind: 'secret.add', secret: row.secret(1, c1.id) });
    await put(store, { kind: 'secret.remove', id: row.secret(1, c1.id).id });
    same(await store.read.secrets(c1.id), []);
  },
  async 'resource.create'(store) {
    const resource = row.resource(1, { builtIn: true, tokenType: 'JWT', algorithm: 'Ed25519' });
    await put(store, { kind: 'resource.create', resource });
    same(await store.read.resource(resource.identifier), resource);
    same(await store.read.resourceById(resource.id), resource);
    const twin = row.resource(2, { identifier: resource.identifier });
    same(await conflicts(store, [{ kind: 'resource.create', resource: twin }]), true, 'an identifier is taken once');
  },
  async 'resource.update'(store) {
    const before = row.resource(1);
    await put(store, { kind: 'resource.create', resource: before });
    const encryptionKey = { kty: 'OKP', crv: 'X25519', x: 'eA', kid: 'k', alg: 'ECDH-ES+A256KW', use: 'enc' } as const;
    const after = row.resource(1, {
      version: 2,
      name: 'Bills',
      scope: ['read'],
      algorithm: 'RS256',
      tokenType: 'JWT',
      accessTokenSeconds: 60,
      format: 'jwe',
      encryptionKey,
      claims: [{ claim: 'plan', from: 'plan' }],
      permissions: { clerk: ['orders:read'] },
      accessTokenBytes: 4_096,
      hasStatusList: true,
      hasSelfServiceKeys: true,
      allowsEmailClaim: true,
    });
    await put(store, { kind: 'resource.update', resource: after });
    same(await store.read.resourceById(after.id), after);
    same(await conflicts(store, [{ kind: 'resource.update', resource: after }]), true, 'not the version before');
  },
  async 'api_key.create'(store) {
    const full = row.apiKey(2, {
      owner: c1.id,
      environment: 'test',
      scope: [],
      tenant: 'north',
      networks: ['192.0.2.0/24', '2001:db8::/32'],
      quota: { uses: 1_000, period: 'day' },
      rate: { limit: 10, seconds: 60 },
      metadata: { team: 'billing “x”' },
      previous: { hash: 'before' as Sha256, until: row.after(9) },
    });
    for (const key of [row.apiKey(1), full]) {
      await put(store, { kind: 'api_key.create', key });
      same(await store.read.apiKey(key.id), key);
    }
    same(await store.read.apiKey(row.idOf('key', 3)), undefined);
  },
  async 'api_key.update'(store) {
    await put(store, { kind: 'api_key.create', key: row.apiKey(1) });
    const key = row.apiKey(1, {
      version: 2,
      owner: c1.id,
      name: 'Export',
      scope: ['write'],
      tenant: 'south',
      networks: ['192.0.2.1/32'],
      quota: { uses: 5, period: 'month' },
      rate: { limit: 1, seconds: 1 },
      metadata: { a: 'b' },
      secretHash: 'next' as Sha256,
      previous: { hash: 'key-1' as Sha256, until: row.after(60) },
      expiresAt: row.after(7),
      pos: { epoch: 5, seq: 8 },
    });
    await put(store, { kind: 'api_key.update', key });
    same(await store.read.apiKey(key.id), key);
    same(await conflicts(store, [{ kind: 'api_key.update', key }]), true, 'not the version before');
    await put(store, { kind: 'api_key.end', id: key.id, ended });
    same(await conflicts(store, [{ kind: 'api_key.update', key: { ...key, version: 4 } }]), true, 'what has ended');
  },
  async 'api_key.end'(store) {
    await put(store, { kind: 'api_key.create', key: row.apiKey(1) });
    await put(store, { kind: 'api_key.end', id: row.idOf('key', 1), ended });
    await put(store, { kind: 'api_key.end', id: row.idOf('key', 1), ended: { ...ended, by: 'somebody else' } });
    same(await store.read.apiKey(row.idOf('key', 1)), row.apiKey(1, { version: 2, ended }));
  },
  async 'quota.debit'(store) {
    const period = row.day(0);
    const debit = { kind: 'quota.debit', apiKey: KEY, period, uses: 60, limit: 100 } as const;
    same(await conflicts(store, [{ ...debit, uses: 101 }]), true, 'more than there ever is');
    same(await store.read.quotaSpent(KEY, period.startsAt), 0);
    await put(store, debit);
    same(await store.read.quotaSpent(KEY, period.startsAt), 60);
    same(await conflicts(store, [{ ...debit, uses: 41 }]), true, 'more than is left');
    await put(store, { ...debit, uses: 40 });
    same(await store.read.quotaSpent(KEY, period.startsAt), 100);
    same(await store.read.quotaSpent(KEY, row.day(1).startsAt), 0, 'another period');
    same(await store.read.quotaSpent(row.idOf('key', 2), period.startsAt), 0, 'another key');
  },
  async 'quota.credit'(store) {
    const period = row.day(0);
    const { startsAt } = period;
    await put(store, { kind: 'quota.credit', apiKey: KEY, startsAt, uses: 1 });
    await put(store, { kind: 'quota.debit', apiKey: KEY, period, uses: 60, limit: 100 });
    await put(store, { kind: 'quota.credit', apiKey: KEY, startsAt, uses: 20 });
    same(await store.read.quotaSpent(KEY, startsAt), 40);
    await put(store, { kind: 'quota.credit', apiKey: KEY, startsAt, uses: 41 });
    same(await store.read.quotaSpent(KEY, startsAt), 40, 'never below nothing');
  },
  async 'lease.grant'(store) {
    const lease = row.lease(1);
    same([await store.read.lease(lease.id), await store.read.openLeases(KEY)], [undefined, 0]);
    await put(store, { kind: 'lease.grant', lease }, { kind: 'lease.grant', lease: row.lease(2) });
    same([await store.read.lease(lease.id), await store.read.openLeases(KEY)], [lease, 2]);
    same(await store.read.openLeases(row.idOf('key', 2)), 0);
    same(await conflicts(store, [{ kind: 'lease.grant', lease }]), true);
  },
  async 'lease.close'(store) {
    const { id } = row.lease(1);
    await put(store, { kind: 'lease.grant', lease: row.lease(1) });
    await put(store, { kind: 'lease.close', id });
    same([await store.read.lease(id), await store.read.openLeases(KEY)], [undefined, 0]);
    same(await conflicts(store, [{ kind: 'lease.close', id }]), true, 'a lease is closed once');
  },
  async 'usage.add'(store) {
    const { startsAt } = row.day(0);
    const usage = row.usage(1, startsAt, { usedAt: undefined });
    const second = row.usage(1, startsAt, { allowed: 5, refused: 0, usedAt: row.after(5) });
    const third = row.usage(2, startsAt, { usedAt: row.after(3) });
    const fourth = row.usage(1, (startsAt + 3_600) as EpochSeconds, { allowed: 0, usedAt: undefined });
    await put(store, { kind: 'usage.add', usage });
    same(await store.read.lastUse(KEY), undefined);
    for (const more of [second, third, fourth, row.usage(1, startsAt, { usedAt: row.after(1) })])
      await put(store, { kind: 'usage.add', usage: more });
    const to = row.day(1).startsAt;
    same(await store.read.keyUsage(KEY, startsAt, to), [
      { ...usage, span: 'hour', allowed: 25, refused: 2, usedAt: row.after(5) },
      { ...fourth, span: 'hour' },
    ]);
    same(await store.read.keyUsage(KEY, (startsAt + 1) as EpochSeconds, to), [{ ...fourth, span: 'hour' }]);
    same(await store.read.keyUsage(KEY, startsAt, fourth.startsAt), [
      { ...usage, span: 'hour', allowed: 25, refused: 2, usedAt: row.after(5) },
    ]);
    same(await store.read.resourceUsage(usage.resourceId, startsAt, to), [
      { span: 'hour', startsAt, allowed: 35, refused: 3 },
      { span: 'hour', startsAt: fourth.startsAt, allowed: 0, refused: 1 },
    ]);
    same(await store.read.mostUsedKeys(usage.resourceId, startsAt, to, 9), [
      { apiKey: KEY, allowed: 25, refused: 3 },
      { apiKey: third.apiKey, allowed: 10, refused: 1 },
    ]);
    same((await store.read.mostUsedKeys(usage.resourceId, startsAt, to, 1)).length, 1);
    same(await store.read.resourceUsage(row.idOf('res', 2), startsAt, to), []);
    same([await store.read.lastUse(KEY), await store.read.lastUse(third.apiKey)], [row.after(5), row.after(3)]);
  },
  async 'verifier.report'(store) {
    const told = row.verifier(1);
    same(await store.read.verifierInstance(told.instance), undefined);
    await put(store, { kind: 'verifier.report', told });
    same(await store.read.verifierInstance(told.instance), told);
    same(await store.read.verifierInstances(told.resourceId), 1);
    const next = { ...told, number: 2, answer: { leases: [], rates: [] }, seenAt: row.after(9) };
    await put(store, { kind: 'verifier.report', told: next });
    same(await store.read.verifierInstance(told.instance), next);
    same(await conflicts(store, [{ kind: 'verifier.report', told: next }]), true, 'a number is told once');
    const stolen = { ...next, number: 3, resourceId: row.idOf('res', 2) };
    same(await conflicts(store, [{ kind: 'verifier.report', told: stolen }]), true, 'a name has one resource');
    same(await store.read.verifierInstances(row.idOf('res', 2)), 0);
  },
  async 'role.grant'(store) {
    const grant = { kind: 'role.grant', role: { accountId: a1.id, resource: 'orders', role: 'admin' } } as const;
    await put(store, grant, grant, { kind: 'role.grant', role: { ...grant.role, resource: 'bills', role: 'reader' } });
    same(await store.read.roles(a1.id, 'orders'), [grant.role]);
    same(await store.read.roles(a1.id, undefined), [{ ...grant.role, resource: 'bills', role: 'reader' }, grant.role]);
  },
  async 'role.revoke'(store) {
    const role = { accountId: a1.id, resource: 'orders', role: 'admin' };
    await put(store, { kind: 'role.grant', role });
    await put(store, { kind: 'role.revoke', role }, { kind: 'role.revoke', role });
    same(await store.read.roles(a1.id, undefined), []);
  },
  async 'key.create'(store) {
    const keys = [row.signingKey('b', { createdAt: row.after(1) }), row.signingKey('c', { state: 'current' })];
    for (const key of keys) await put(store, { kind: 'key.create', key });
    same(await store.read.signingKeys(), [keys[1], keys[0]], 'oldest first');
  },
  async 'key.move'(store) {
    const key = row.signingKey('a');
    await put(store, { kind: 'key.create', key });
    const move = { kind: 'key.move', kid: 'a', from: 'next', to: 'current', at: row.after(2) } as const;
    await put(store, move);
    same(await store.read.signingKeys(), [{ ...key, state: 'current', since: row.after(2) }]);
    same(await conflicts(store, [move]), true);
  },
  async 'key.remove'(store) {
    await put(store, { kind: 'key.create', key: row.signingKey('a') });
    await put(store, { kind: 'key.remove', kid: 'a' });
    same(await store.read.signingKeys(), []);
  },
  async 'shared_secret.create'(store) {
    for (const n of [2, 1]) await put(store, { kind: 'shared_secret.create', secret: row.sharedSecret(n) });
    same(await store.read.sharedSecrets(), [row.sharedSecret(1), row.sharedSecret(2)]);
    same(await conflicts(store, [{ kind: 'shared_secret.create', secret: row.sharedSecret(1) }]), true);
  },
  async 'shared_secret.retire'(store) {
    await put(store, { kind: 'shared_secret.create', secret: row.sharedSecret(1) });
    const retire = { kind: 'shared_secret.retire', kid: row.sharedSecret(1).kid, at: NOW } as const;
    await put(store, retire);
    same(await store.read.sharedSecrets(), [row.sharedSecret(1, { retiresAt: NOW })]);
    same(await conflicts(store, [retire]), true);
  },
  async 'shared_secret.remove'(store) {
    await put(store, { kind: 'shared_secret.create', secret: row.sharedSecret(1) });
    for (let times = 0; times < 2; times++)
      await put(store, { kind: 'shared_secret.remove', kid: row.sharedSecret(1).kid });
    same(await store.read.sharedSecrets(), []);
  },
  async 'mac_key.create'(store) {
    for (const id of [2, 1]) await put(store, { kind: 'mac_key.create', key: row.macKey(id) });
    same(await store.read.macKeys(), [row.macKey(1), row.macKey(2)]);
  },
  async 'mac_key.move'(store) {
    await put(store, { kind: 'mac_key.create', key: row.macKey(1) });
    await put(store, { kind: 'mac_key.move', id: 1, to: 'retiring' });
    same(await store.read.macKeys(), [row.macKey(1, { state: 'retiring' })]);
    same(await conflicts(store, [{ kind: 'mac_key.move', id: 2, to: 'revoked' }]), true);
  },
  async 'revocation.emit'(store) {
    await put(store, createAccount, { kind: 'client.create', client: c1 });
    const { epoch } = (await store.read.moment()).position;
    await put(
      store,
      { kind: 'revocation.emit', event: { kind: 'subject', id: a1.id, exp } },
      { kind: 'revocation.emit', event: { kind: 'client', id: c1.id, exp } },
      { kind: 'revocation.emit', event: { kind: 'token', id: 'tok_x', exp } },
    );
    same(await store.read.revocations(0, NOW, 10), [
      { epoch, seq: 1, kind: 'subject', id: a1.id, exp },
      { epoch, seq: 2, kind: 'client', id: c1.id, exp },
      { epoch, seq: 3, kind: 'token', id: 'tok_x', exp },
    ]);
    same(await store.read.account(a1.id), { ...a1, version: 2, cutOff: { epoch, seq: 1 } });
    same(await store.read.client(c1.id), { ...c1, version: 2, cutOff: { epoch, seq: 2 } });
  },
  async 'epoch.begin'(store) {
    const before = (await store.read.moment()).position;
    await put(store, { kind: 'revocation.emit', event: { kind: 'token', id: 'tok_x', exp } });
    await put(store, { kind: 'epoch.begin', at: NOW });
    const then = (await store.read.moment()).position;
    same(then.epoch > before.epoch && then.epoch >= Math.floor(NOW / 1000), true);
    same(then.seq, 1, 'numbers go on');
  },
  async 'audit.append'(store) {
    const subject = { session: 'ses_1', account: 'acc_1', actor: 'acc_1' };
    const entry = row.entry(subject);
    await put(store, { kind: 'audit.append', entry });
    const bytes = new TextEncoder().encode(
      JSON.stringify([entry.at, entry.event, entry.actor, entry.subject, entry.detail]),
    );
    const stored = { ...entry, id: 1, mac: Buffer.from(auditMac(bytes)).toString('base64url') };
    same(await store.read.audit(undefined, 10), [stored]);
    same(await store.read.auditOf('acc_1', 10), [stored]);
    same(await store.read.auditOf('ses_1', 10), [stored]);
    same(await store.read.auditOf('acc_2', 10), []);
  },
  async 'alert.raise'(store) {
    const entry = row.entry({ family: 'fam_1' }, { event: 'refresh_token.reused' });
    await put(store, { kind: 'alert.raise', entry });
    same(
      (await store.read.audit(undefined, 10)).map(({ event }) => event),
      ['refresh_token.reused'],
    );
    same(await store.read.outbox(NOW, 10), [{ id: 1, topic: 'alert', body: { ...entry }, at: NOW, attempts: 0 }]);
  },
  async 'outbox.enqueue'(store) {
    const message = { topic: 'mail', body: { to: 'a', lines: [1, 'two'] }, at: NOW };
    await put(store, { kind: 'outbox.enqueue', message });
    same(await store.read.outbox(NOW, 10), [{ ...message, id: 1, attempts: 0 }]);
  },
  async 'outbox.delivered'(store) {
    await put(store, { kind: 'outbox.enqueue', message: { topic: 'mail', body: {}, at: NOW } });
    await put(store, { kind: 'outbox.delivered', id: 1 });
    same(await store.read.outbox(NOW, 10), []);
  },
  async 'outbox.postpone'(store) {
    await put(store, { kind: 'outbox.enqueue', message: { topic: 'mail', body: {}, at: NOW } });
    await put(store, { kind: 'outbox.postpone', id: 1, at: row.after(100) });
    same(await store.read.outbox(row.after(99), 10), []);
    same(await store.read.outbox(row.after(100), 10), [{ id: 1, topic: 'mail', body: {}, at: NOW, attempts: 0 }]);
  },
  async 'outbox.retry'(store) {
    await put(store, { kind: 'outbox.enqueue', message: { topic: 'mail', body: {}, at: NOW } });
    await put(store, { kind: 'outbox.retry', id: 1, at: row.after(100) });
    same(await store.read.outbox(row.after(99), 10), []);
    same(await store.read.outbox(row.after(100), 10), [{ id: 1, topic: 'mail', body: {}, at: NOW, attempts: 1 }]);
  },
};
