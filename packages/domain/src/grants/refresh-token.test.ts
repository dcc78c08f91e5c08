import type { EpochMilliseconds, EpochSeconds, ResourceIdentifier, Sha256 } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { describe, expect, test } from 'vitest';
import { ADMIN_SCOPES } from '../administration/scopes.ts';
import { type Client, proved } from '../clients/client.ts';
import type { Authenticated, RefreshState } from '../tokens/family.ts';
import type { Write } from '../write.ts';
import { decideRefresh, type RefreshCommand, type RefreshFacts } from './refresh-token.ts';

const ISSUER = 'https://id.example' as ResourceIdentifier;
const HASH = 'hash of an attempt id' as Sha256;
const now = row.after(60_000);
const at = (milliseconds: number): EpochMilliseconds => row.after(60_000 + milliseconds);
const position = { epoch: Math.floor(NOW / 1000), seq: 12 };
const moment = { now, position, catalogue: 3 };

const account = row.account(1);
const session = row.session(1);
const confidential = row.client(1, { version: 4 });
const spa: Client = { ...confidential, authentication: 'none', firstParty: true, grantTypes: ['refresh_token'] };
const resource = row.resource(1, { identifier: row.API, scope: ['read', 'write', 'audit'] });
const refresh = row.refreshState({ generation: 7, macKeyId: 2, overlapMilliseconds: 10_000, rotatedAt: at(-5_000) });
const family = { ...row.family(1, { resources: [row.API, ISSUER] }), refresh };
const role = { accountId: account.id, resource: row.API, role: 'editor' };
const facts: RefreshFacts = {
  family,
  seedMatches: true,
  account,
  client: confidential,
  session,
  resource,
  roles: [role],
  metadata: undefined,
};
const command: RefreshCommand = {
  client: proved(confidential),
  familyId: family.id,
  generation: 7,
  delivery: 'body',
  provedKey: undefined,
  attemptHash: undefined,
  scope: undefined,
  resources: [],
  macKeyId: 3,
  overlapMilliseconds: 10_000,
  acrLevels: [
    { value: 'one', amr: ['pwd'] },
    { value: 'two', amr: ['pwd', 'otp'], withinSeconds: 60 },
  ],
  issuer: ISSUER,
  adminApi: row.ADMIN_API,
  hookClaims: undefined,
};

const decide = (
  someFacts: Partial<RefreshFacts> = {},
  someCommand: Partial<RefreshCommand> = {},
  someMoment = moment,
) => decideRefresh({ ...facts, ...someFacts }, { ...command, ...someCommand }, someMoment);
/** The same family with another state of its refresh token. */
const withRefresh = (more: Partial<RefreshState>) => ({ family: { ...family, refresh: { ...refresh, ...more } } });
const presented = (generation: number) => ({ generation });

const expects = [{ table: 'client', id: confidential.id, version: 4 }];
const refused = (error: string, writes: readonly object[] = []) => ({
  outcome: { ok: false, error },
  expects: [],
  writes,
});
const subject = { family: family.id, account: account.id, client: confidential.id, session: session.id };
/** The decision to issue: of this generation, under this MAC key, used last at this time, with these writes. */
const issued = (
  generation: number,
  macKeyId: number,
  lastUsedAt: number,
  writes: readonly object[],
  more: object = {},
) => ({
  outcome: {
    ok: true,
    value: {
      access: {
        subject: account.id,
        clientId: confidential.id,
        resource,
        scope: ['read', 'write'],
        roles: ['editor'],
        permissions: [],
        tenant: undefined,
        custom: {},
        issuedAt: now,
        pos: position,
        cnf: undefined,
        person: {
          familyId: family.id,
          familyExpiresAt: family.expiresAt,
          sessionId: session.id,
          authTime: session.authTime,
          amr: ['pwd'],
          acr: undefined,
        },
        ...more,
      },
      refresh: {
        familyId: family.id,
        generation,
        macKeyId,
        seed: refresh.seed,
        familyExpiresAt: family.expiresAt,
        idleExpiresAt: lastUsedAt + 3_600_000,
      },
    },
  },
  expects,
  writes,
});
const rotated = (more: object = {}) => ({
  kind: 'family.rotate',
  id: family.id,
  from: 7,
  at: now,
  overlapMilliseconds: 10_000,
  attemptHash: undefined,
  overlapStreak: 0,
  macKeyId: 3,
  ...more,
});
const overlapUse = (streak: number) => ({ kind: 'family.use_overlap', id: family.id, generation: 7, streak });
const ending = (reason: string, generation: number, event: string) => [
  { kind: 'family.end', id: family.id, ended: { at: now, reason, by: confidential.id } },
  { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp: Math.floor(now / 1000) + 3_780 } },
  {
    kind: 'alert.raise',
    entry: {
      at: now,
      event,
      actor: confidential.id,
      subject,
      detail: { presented_generation: generation, current_generation: 7, scope: 'read write' },
    },
  },
];
const reused = (generation: number) => ({
  ...refused('refresh_token_reused', ending('refresh_token_reused', generation, 'refresh_token.reused')),
  expects,
});

describe('what is told before anything of the family counts', () => {
  const loud = (error: string, actor: string, more: object = {}) =>
    refused(error, [
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'refresh_token.of_other_client',
          actor,
          subject,
          detail: { error, presented_generation: 7, scope: 'read write', ...more },
        },
      },
    ]);

  test('RT-15: a token without a row, or made without its seed, is unknown, and nothing is written', () => {
    expect(decide({ family: undefined })).toEqual(refused('refresh_token_unknown'));
    expect(decide({ seedMatches: false })).toEqual(refused('refresh_token_unknown'));
    expect(decide({ seedMatches: false }, presented(3))).toEqual(refused('refresh_token_unknown'));
  });

  test('RT-06 RFC 6749 §6: a refresh token of another client is refused, the family stays, somebody will know', () => {
    const other = { ...command.client, id: row.idOf('cli', 2) };
    expect(decide({}, { client: other })).toEqual(loud('refresh_token_of_other_client', other.id));
  });

  test.each([
    ['superseded', {}, presented(3), { presented_generation: 3 }],
    ['too new', {}, presented(8), { presented_generation: 8 }],
    ['of an ended family', { family: { ...family, ended: { at: now, reason: 'logout', by: 'x' } } }, {}, {}],
    ['of an expired family', { family: { ...family, expiresAt: now } }, {}, {}],
    ['of a client that is gone', { client: undefined }, {}, {}],
    ['that asks for too much', {}, { scope: 'admin' }, {}],
  ] as const)('RT-06: another client learns nothing from a token %s', (_, someFacts, someCommand, detail) => {
    const other = { ...command.client, id: row.idOf('cli', 2) };
    const decided = decide(someFacts, { ...someCommand, client: other });
    expect(decided).toEqual(loud('refresh_token_of_other_client', other.id, detail));
  });

  test('a token that came another way than it was delivered is refused, and the family stays', () => {
    const error = 'refresh_token_wrong_delivery';
    expect(decide({}, { delivery: 'cookie' })).toEqual(loud(error, confidential.id));
    expect(decide({ family: { ...family, delivery: 'cookie' } })).toEqual(loud(error, confidential.id));
    expect(decide({}, { delivery: 'cookie', generation: 3 })).toEqual(
      loud(error, confidential.id, { presented_generation: 3 }),
    );
  });

  test.each([{ jkt: 'thumb' }, { 'x5t#S256': 'thumb' }])('a family bound by %j asks for its key', (cnf) => {
    const bound = { family: { ...family, cnf } };
    const other = 'refresh_token_of_other_client';
    expect(decide(bound)).toEqual(loud('refresh_token_proof_missing', confidential.id));
    expect(decide(bound, { provedKey: 'another' })).toEqual(loud(other, confidential.id));
    expect(decide(bound, { provedKey: '', generation: 3 })).toEqual(
      loud(other, confidential.id, { presented_generation: 3 }),
    );
    expect(decide(bound, { provedKey: 'thumb' })).toEqual(issued(8, 3, now, [rotated()], { cnf }));
  });

  test('a proof that nobody asked for changes nothing', () => {
    expect(decide({}, { provedKey: 'thumb' })).toEqual(decide());
    expect(decide({ family: { ...family, cnf: {} } }).outcome.ok).toBe(true);
  });

  test('what is written of a family without a session names none', () => {
    const offline = { family: { ...family, sessionId: undefined }, session: undefined };
    const decided = decide(offline, { delivery: 'cookie' });
    const { session: _, ...withoutSession } = subject;
    expect(decided.writes).toMatchObject([{ entry: { subject: withoutSession } }]);
    expect(decided.writes[0]).not.toHaveProperty('entry.subject.session');
  });
});

describe('what is over', () => {
  const ended = { at: at(-1), reason: 'logout', by: account.id } as const;
  const before = { epoch: family.pos.epoch, seq: family.pos.seq };

  test.each([
    ['the family has ended', { family: { ...family, ended } }],
    ['the family has ended, and would have expired', { family: { ...family, ended, expiresAt: at(-9) } }],
    ['the session has ended', { session: { ...session, ended } }],
    ['the session has ended, and would have expired', { session: { ...session, ended, expiresAt: at(-9) } }],
    ['the session is no longer kept', { session: undefined }],
    ['the account is disabled', { account: { ...account, disabledAt: at(-1) } }],
    ['the account is gone', { account: undefined }],
    ['a cut-off of the account came after', { account: { ...account, cutOff: { ...before, seq: before.seq + 1 } } }],
    ['a cut-off of a later epoch came after', { account: { ...account, cutOff: { epoch: before.epoch + 1, seq: 0 } } }],
    ['the client is deleted', { client: { ...confidential, deletedAt: at(-1) } }],
    ['the client is gone', { client: undefined }],
    ['a cut-off of the client came after', { client: { ...confidential, cutOff: { ...before, seq: before.seq + 1 } } }],
  ])('RT-13: %s: the refresh token has ended, whatever its generation, and nothing is written', (_, someFacts) => {
    for (const generation of [6, 7, 8])
      expect(decide(someFacts, { generation, scope: 'admin' })).toEqual(refused('refresh_token_ended'));
  });

  test.each([
    [-1, undefined],
    [0, undefined],
    [1, 'refresh_token_ended'],
  ])('a cut-off that stands %d behind the family: %s', (ahead, error) => {
    const cutOff = { ...before, seq: before.seq + ahead };
    for (const decided of [
      decide({ account: { ...account, cutOff } }),
      decide({ client: { ...confidential, cutOff } }),
    ])
      expect(decided.outcome.ok ? undefined : decided.outcome.error).toBe(error);
  });

  test.each([
    ['the family', (milliseconds: number) => ({ family: { ...family, expiresAt: at(milliseconds) } })],
    ['the session', (milliseconds: number) => ({ session: { ...session, expiresAt: at(milliseconds) } })],
    ['the idle time', (milliseconds: number) => withRefresh({ lastUsedAt: at(milliseconds - 3_600_000) })],
  ])('RT-08 RFC 6749 §5.2: the last millisecond of %s is before its end', (_, ends) => {
    const answers = [1, 0, -1].map((milliseconds) => decide(ends(milliseconds), { scope: 'read' }));
    expect(answers.map(({ outcome }) => outcome.ok)).toEqual([true, false, false]);
    expect(answers.slice(1)).toEqual([refused('refresh_token_expired'), refused('refresh_token_expired')]);
  });

  test('RT-08: a superseded or too new token of an expired family has expired, and ends nothing', () => {
    for (const generation of [3, 6, 8])
      expect(decide({ family: { ...family, expiresAt: now } }, { generation })).toEqual(
        refused('refresh_token_expired'),
      );
  });

  test('RT-07: a rotation leaves the absolute end where it was', () => {
    const decided = decide({ family: { ...family, expiresAt: at(1_000) } });
    expect(decided.outcome).toMatchObject({ value: { refresh: { familyExpiresAt: at(1_000) } } });
    expect(decided.writes).toEqual([rotated()]);
  });

  test('an authentication that was proved with an older row of the client is refused, and ends nothing', () => {
    for (const version of [3, 5])
      for (const generation of [3, 6, 7, 8])
        expect(decide({}, { generation, client: { ...command.client, version } })).toEqual(refused('client_changed'));
  });
});

describe('theft, and a store that is older than the token', () => {
  test.each([5, 3, 0])(
    'RT-02 RFC 9700 §4.14.2: generation %d of 7 ends the family and raises the alarm',
    (generation) => {
      expect(decide({}, { generation, scope: 'too"wide', resources: [ISSUER, ISSUER] })).toEqual(reused(generation));
    },
  );

  test.each([
    [9_999, 'the same successor'],
    [10_000, 'theft'],
    [10_001, 'theft'],
  ])('RT-05: the generation before, %d ms after the rotation: %s', (milliseconds, answer) => {
    const decided = decide(withRefresh({ rotatedAt: at(-milliseconds) }), presented(6));
    expect(decided).toEqual(answer === 'theft' ? reused(6) : issued(7, 2, refresh.lastUsedAt, [overlapUse(1)]));
  });

  test.each([9_999, 10_000, 10_001])(
    'RT-05: a clock that was set back by %d ms does not stretch the overlap',
    (ahead) => {
      expect(decide(withRefresh({ rotatedAt: at(ahead) }), presented(6)).outcome.ok).toBe(ahead < 10_000);
    },
  );

  test('RT-05: without an overlap the generation before is theft in the same millisecond', () => {
    expect(decide(withRefresh({ overlapMilliseconds: 0, rotatedAt: now }), presented(6))).toEqual(reused(6));
  });

  test('RT-05: only the generation before overlaps, however short ago it was', () => {
    expect(decide(withRefresh({ rotatedAt: now }), presented(5))).toEqual(reused(5));
  });

  const newer = (generation: number) =>
    ending('refresh_token_newer_than_store', generation, 'refresh_token.newer_than_store');

  test('a token newer than the store ends the family, and the log begins a new epoch', () => {
    const old = { ...moment, position: { epoch: Math.floor(now / 1000) - 61, seq: 12 } };
    expect(decide({}, presented(8), old)).toEqual({
      ...refused('refresh_token_newer_than_store', [{ kind: 'epoch.begin', at: now }, ...newer(8)]),
      expects,
    });
  });

  test.each([61, 60, 59])('a token newer than the store, %d s after the last epoch began', (age) => {
    const young = { ...moment, position: { epoch: Math.floor(now / 1000) - age, seq: 12 } };
    const decided = decide({}, { ...presented(2 ** 48 - 1), scope: 'admin' }, young);
    expect(decided.writes).toEqual([...(age > 60 ? [{ kind: 'epoch.begin', at: now }] : []), ...newer(2 ** 48 - 1)]);
  });

  test('a superseded token begins no epoch', () => {
    expect(decide({}, presented(3), { ...moment, position: { epoch: 5, seq: 12 } })).toEqual(reused(3));
  });
});

describe('scope and resource', () => {
  const scopeOf = (decided: ReturnType<typeof decide>) => decided.outcome.ok && decided.outcome.value.access.scope;

  test('RT-09 RFC 6749 §6: a scope may narrow, and the family keeps its own', () => {
    expect(decide({}, { scope: 'write' })).toEqual(issued(8, 3, now, [rotated()], { scope: ['write'] }));
    expect(scopeOf(decide({}, { scope: 'write read write' }))).toEqual(['write', 'read']);
  });

  test.each([6, 7])(
    'RT-09 RFC 6749 §6: a scope that is too wide changes nothing, of generation %d of 7',
    (generation) => {
      for (const scope of ['admin', 'read admin', 'read write audit', 'Read'])
        expect(decide({}, { generation, scope })).toEqual(refused('scope_exceeds_family'));
      for (const scope of ['"read"', 'read  write', 'read\twrite'])
        expect(decide({}, { generation, scope })).toEqual(refused('scope_malformed'));
    },
  );

  test('RT-09: what the resource does not know is left out where nobody asked for it, and refused where somebody did', () => {
    const narrow = { resource: { ...resource, scope: ['write'] } };
    expect(scopeOf(decide(narrow))).toEqual(['write']);
    expect(scopeOf(decide(narrow, { scope: 'write' }))).toEqual(['write']);
    expect(decide(narrow, { scope: 'read write' })).toEqual(refused('scope_exceeds_family'));
  });

  test.each([6, 7])(
    'RT-10, RES-03, RES-04 RFC 8707 §2.2: one resource out of those granted, of generation %d of 7',
    (generation) => {
      const issuer = { ...resource, identifier: ISSUER };
      const decided = decide({ resource: issuer }, { generation, resources: [ISSUER] });
      expect(decided.outcome).toMatchObject({ ok: true, value: { access: { resource: issuer } } });
      const strange = { ...resource, identifier: 'https://other.example' as ResourceIdentifier };
      const asking = { generation, resources: [strange.identifier] };
      expect(decide({ resource: strange }, asking)).toEqual(refused('resource_exceeds_family'));
      expect(decide({ resource: undefined }, asking)).toEqual(refused('resource_exceeds_family'));
      expect(decide({}, { generation, resources: [row.API, ISSUER] })).toEqual(refused('resource_ambiguous'));
    },
  );
});

describe('what is issued', () => {
  test('RT-01 OAuth 2.1: the current generation is rotated by compare-and-set', () => {
    expect(decide()).toEqual(issued(8, 3, now, [rotated()]));
  });

  test('RT-01: under the policy to keep, the same refresh token stays, used anew, under the key it was made with', () => {
    const keep = { client: { ...confidential, refreshPolicy: 'keep' } } as const;
    expect(decide(keep)).toEqual(issued(7, 2, now, [{ kind: 'family.touch', id: family.id, generation: 7, at: now }]));
    expect(decide(keep, presented(5))).toEqual(reused(5));
    expect(decide({ client: { ...spa, refreshPolicy: 'keep' } }).writes).toMatchObject([{ kind: 'family.rotate' }]);
  });

  test('a family without a session issues what it knows of its owner', () => {
    const offline = { family: { ...family, sessionId: undefined }, session: undefined, roles: [] };
    const familyExpiresAt = family.expiresAt;
    const person = {
      familyId: family.id,
      familyExpiresAt,
      sessionId: undefined,
      authTime: undefined,
      amr: [],
      acr: undefined,
    };
    expect(decide(offline)).toEqual(issued(8, 3, now, [rotated()], { person, roles: [] }));
    const authenticated = { authTime: 7 as EpochSeconds, amr: ['pwd', 'otp'], acr: 'one' };
    const known = { ...offline, family: { ...offline.family, authenticated } };
    expect(decide(known)).toEqual(
      issued(8, 3, now, [rotated()], { person: { ...person, ...authenticated }, roles: [] }),
    );
  });

  test('OIDC Core §12.2: what a family says of its login stays, whatever its session has seen since', () => {
    const authenticated = { authTime: 7 as EpochSeconds, amr: ['pwd', 'otp'], acr: 'one' };
    const { outcome } = decide({ family: { ...family, authenticated } });
    expect(outcome).toMatchObject({ ok: true, value: { access: { person: authenticated } } });
  });

  test('OIDC-03 OIDC Core §8.1, §12.2: of a pairwise family all tokens say its own names, and the access token no session', () => {
    const pairwise = { subject: 'one', sid: row.idOf('fam', 3) };
    const { outcome } = decide({ family: { ...family, scope: ['openid', 'read'], pairwise } });
    expect(outcome).toMatchObject({
      ok: true,
      value: {
        access: { subject: 'one', person: { familyId: family.id, sessionId: undefined } },
        identity: { accountId: family.accountId, subject: 'one', sid: pairwise.sid },
      },
    });
  });

  test('OIDC Core §12.2: the ID token of a refresh names the session in which its family began, where that was noted', () => {
    const scope = ['openid', 'read', 'write'];
    for (const [beganIn, sid] of [
      [row.idOf('ses', 7), row.idOf('ses', 7)],
      [undefined, session.id],
    ] as const) {
      const { outcome } = decide({ family: { ...family, scope, beganIn } });
      expect(outcome).toMatchObject({ ok: true, value: { identity: { sid } } });
    }
  });

  const since = (seconds: number) => (Math.floor(now / 1000) - seconds) as EpochSeconds;
  test.each<[string, Partial<Authenticated>, string | undefined]>([
    ['a level without a time stays', { acr: 'one', authTime: since(1_000_000) }, 'one'],
    ['a level is not raised, whatever its sign-in would reach today', { acr: 'one' }, 'one'],
    ['no level stays none', { acr: undefined }, undefined],
    ['a level that is bound to time stays until its time is over', { acr: 'two', authTime: since(59) }, 'two'],
    ['… to the second', { acr: 'two', authTime: since(60) }, 'two'],
    ['… and then falls to what is left', { acr: 'two', authTime: since(61) }, 'one'],
    ['a level that its sign-in does not reach any more falls', { acr: 'two', amr: ['pwd'] }, 'one'],
    ['a level that nothing is left of is gone', { acr: 'two', amr: [] }, undefined],
    ['a level that nobody knows any more is gone', { acr: 'three' }, undefined],
  ])('RSV-11 RFC 9470 §5: at a refresh %s', (_, more, acr) => {
    const authenticated = { authTime: since(0), amr: ['pwd', 'otp'], acr: undefined, ...more };
    const { outcome } = decide({ family: { ...family, scope: ['openid', 'read', 'write'], authenticated } });
    expect(outcome).toMatchObject({ ok: true, value: { access: { person: { acr } }, identity: { acr } } });
  });

  test.each([
    ['a public client', spa, {}, {}, 0, undefined],
    ['a public client that sends an attempt id', spa, {}, { attemptHash: HASH }, 10_000, HASH],
    ['a public client with its own overlap', { ...spa, overlapMilliseconds: 5 }, {}, {}, 0, undefined],
    ['the same, with an attempt id', { ...spa, overlapMilliseconds: 5 }, {}, { attemptHash: HASH }, 5, HASH],
    ['a bound family', spa, { cnf: { jkt: 'k' } }, { provedKey: 'k', attemptHash: HASH }, 10_000, undefined],
    ['a cookie family', spa, { delivery: 'cookie' }, { delivery: 'cookie' }, 10_000, undefined],
    ['an authenticated client', confidential, {}, { attemptHash: HASH }, 10_000, undefined],
    ['an authenticated client with its own', { ...confidential, overlapMilliseconds: 0 }, {}, {}, 0, undefined],
  ] as const)(
    'RT-05: the overlap that a rotation leaves %s',
    (_, client, someFamily, some, overlapMilliseconds, hash) => {
      const decided = decide({ client, family: { ...family, ...someFamily } }, some);
      expect(decided.writes).toEqual([rotated({ overlapMilliseconds, attemptHash: hash })]);
    },
  );

  test.each([
    ['the same attempt id', HASH, HASH, true],
    ['another attempt id', HASH, 'other' as Sha256, false],
    ['no attempt id', HASH, undefined, false],
    ['an attempt id where none is kept', undefined, HASH, true],
  ] as const)('RT-05: a repeat with %s', (_, kept, sent, overlaps) => {
    const decided = decide(withRefresh({ attemptHash: kept }), { ...presented(6), attemptHash: sent });
    expect(decided).toEqual(overlaps ? issued(7, 2, refresh.lastUsedAt, [overlapUse(1)]) : reused(6));
  });

  test('RT-05: a repeat within the overlap may narrow, and writes nothing but its count', () => {
    const decided = decide({}, { ...presented(6), scope: 'read', macKeyId: 9 });
    expect(decided).toEqual(issued(7, 2, refresh.lastUsedAt, [overlapUse(1)], { scope: ['read'] }));
  });

  const alert = (generations: number): Write => ({
    kind: 'alert.raise',
    entry: {
      at: now,
      event: 'refresh_token.overlap_streak',
      actor: confidential.id,
      subject,
      detail: { generations, scope: 'read write' },
    },
  });

  test.each([
    [0, 0, 1, false],
    [1, 0, 2, false],
    [2, 0, 3, true],
    [3, 0, 4, true],
    [3, 1, 3, false],
    [3, 7, 3, false],
  ])(
    'an overlap after one in %d generations in a row, used %d times: streak %d, alert: %s',
    (before, uses, streak, isAlert) => {
      const decided = decide(withRefresh({ overlapStreak: before, overlapUses: uses }), presented(6));
      expect(decided.writes).toEqual([overlapUse(streak), ...(isAlert ? [alert(streak)] : [])]);
    },
  );

  test('a generation whose overlap nobody used breaks the streak', () => {
    const used = decide(withRefresh({ overlapUses: 1, overlapStreak: 2 }));
    const unused = decide(withRefresh({ overlapUses: 0, overlapStreak: 2 }));
    expect([used.writes, unused.writes]).toEqual([[rotated({ overlapStreak: 2 })], [rotated()]]);
  });
});

describe('a family for the admin API', () => {
  const adminApi = row.resource(3, { identifier: row.ADMIN_API, scope: ADMIN_SCOPES });
  const scope = ['keys:write', 'keys:read', 'explain'];
  const administration = { family: { ...family, scope, resources: [row.ADMIN_API] }, resource: adminApi };
  const having = (...names: readonly string[]) => ({
    ...administration,
    roles: names.map((name) => ({ accountId: account.id, resource: row.ADMIN_API, role: name })),
  });
  const scopeIn = ({ outcome }: ReturnType<typeof decide>) => (outcome.ok ? outcome.value.access.scope : outcome.error);

  test('each refresh gives what the roles give at that moment, and nothing where they give none of it', () => {
    expect(scopeIn(decide(having('operator')))).toEqual(scope);
    expect(scopeIn(decide(having('auditor')))).toEqual(['keys:read', 'explain']);
    expect(scopeIn(decide(having('auditor'), { scope: 'keys:write explain' }))).toEqual(['explain']);
    for (const less of [having(), having('editor')]) expect(decide(less)).toEqual(refused('scope_exceeds_roles'));
    expect(decide(having('auditor'), { scope: 'keys:write' })).toEqual(refused('scope_exceeds_roles'));
  });
});

test('a token that would be larger than its resource allows is not issued, and nothing is rotated', () => {
  expect(decide({ resource: { ...resource, accessTokenBytes: 1 } })).toEqual({
    ...refused('access_token_too_large'),
    detail: expect.stringContaining('bytes'),
  });
});
