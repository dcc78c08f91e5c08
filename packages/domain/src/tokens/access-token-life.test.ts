import type { AccessTokenClaims, RevocationEvent } from '@latchkey/protocol/claims';
import type { EpochSeconds } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { type AccessTokenFacts, accessTokenEnd } from './access-token-life.ts';
import { familyLife, isSessionLive } from './liveness.ts';

const now = row.after(60_000);
const moment = { now, position: { epoch: 5, seq: 12 }, catalogue: 1 };
const account = row.account(1);
const client = row.client(1);
const session = row.session(1);
const family = row.family(1);
const offline = row.family(2, { sessionId: undefined });
const claims: AccessTokenClaims = {
  iss: 'https://id.example',
  sub: account.id,
  aud: row.API,
  client_id: client.id,
  jti: row.idOf('tok', 1),
  iat: 0 as EpochSeconds,
  exp: 1 as EpochSeconds,
  pos: '5:7',
  sid: session.id,
  fid: family.id,
};
const facts: AccessTokenFacts = { account, client, session, family, apiKey: undefined, owner: undefined, events: [] };
const ended = { at: now, reason: 'logout', by: 'x' } as const;
const event = (kind: RevocationEvent['kind'], epoch: number, seq: number): RevocationEvent => ({
  epoch,
  seq,
  kind,
  id: kind === 'all' ? '' : claims.jti,
  exp: 1 as EpochSeconds,
});

test.each([
  ['all of it lives', {}, {}, undefined],
  ['an event names it', { events: [event('token', 1, 1)] }, {}, 'token'],
  ['an event of another kind names it', { events: [event('changed', 9, 9)] }, {}, undefined],
  ['everything was cut off behind it', { events: [event('all', 5, 8)] }, {}, 'everything'],
  ['everything was cut off before it', { events: [event('all', 5, 7)] }, {}, undefined],
  ['everything was cut off in a later epoch', { events: [event('all', 6, 1)] }, {}, 'everything'],
  ['its client is gone', { client: undefined }, {}, 'client'],
  ['its client is deleted', { client: { ...client, deletedAt: now } }, {}, 'client'],
  ['its account is gone', { account: undefined }, {}, 'account'],
  ['its account is disabled', { account: { ...account, disabledAt: now } }, {}, 'account'],
  ['its session is gone', { session: undefined }, {}, 'session'],
  ['its session has ended', { session: { ...session, ended } }, {}, 'session'],
  ['its session has expired', { session: { ...session, expiresAt: now } }, {}, 'session'],
  ['its family is gone', { family: undefined }, {}, 'family'],
  ['its family has ended', { family: { ...family, ended } }, {}, 'family'],
  ['it is in no session', { session: undefined, family: offline }, { sid: undefined }, undefined],
  ['it does not say in which session', {}, { sid: undefined }, undefined],
  ['the session that it does not name is gone', { session: undefined }, { sid: undefined }, 'session'],
  ['the session that it does not name has ended', { session: { ...session, ended } }, { sid: undefined }, 'session'],
  ['it says its person by another name', {}, { sub: 'pairwise', sid: undefined }, undefined],
  ['that person was disabled', { account: { ...account, disabledAt: now } }, { sub: 'pairwise' }, 'account'],
  ['it names no family', { family: undefined }, { fid: undefined }, undefined],
  ['it is of no person', { account: undefined }, { sub: client.id }, undefined],
] as const)('I1: %s', (_, someFacts, someClaims, end) => {
  const all = { ...claims, ...someClaims } as AccessTokenClaims;
  expect(accessTokenEnd({ ...facts, ...someFacts }, all, moment)).toBe(end);
});

const key = row.apiKey(1);
const ofKey = { key, account, client: undefined };
const owner = row.client(2);
const alone = { api_key: key.id, client_id: key.id, sid: undefined, fid: undefined };
const none = { session: undefined, family: undefined };
test.each([
  ['all of it lives', {}, {}, undefined],
  ['its key is gone', { apiKey: undefined }, {}, 'api_key'],
  ['its key has ended', { apiKey: { ...ofKey, key: { ...key, ended } } }, {}, 'api_key'],
  ['its key has expired', { apiKey: { ...ofKey, key: { ...key, expiresAt: now } } }, {}, 'api_key'],
  ['the owner of its key is disabled', { apiKey: { ...ofKey, account: undefined } }, {}, 'api_key'],
  ['its key is another’s by now, and its account is disabled', { account: undefined }, {}, 'account'],
  ['a client exchanged it, and is gone', { client: undefined }, { client_id: client.id }, 'client'],
  ['a client exchanged it, and lives', {}, { client_id: client.id }, undefined],
  ['no client exchanged it', { client: undefined }, {}, undefined],
  [
    'it is of a client, and another exchanged it',
    { owner, account: undefined },
    { sub: owner.id, client_id: client.id },
    undefined,
  ],
  [
    'the client that it is of was deleted',
    { owner: { ...owner, deletedAt: now }, account: undefined },
    { sub: owner.id, client_id: client.id },
    'account',
  ],
  ['it names another key as its client', { client: undefined }, { client_id: row.idOf('key', 2) }, 'client'],
] as const)('APK-05 I1: of a token that was made of a key, %s', (_, someFacts, someClaims, end) => {
  const all = { ...claims, ...alone, ...someClaims } as unknown as AccessTokenClaims;
  expect(accessTokenEnd({ ...facts, apiKey: ofKey, ...none, ...someFacts }, all, moment)).toBe(end);
});

test.each([
  [6, undefined],
  [7, undefined],
  [8, 'account'],
])('a cut-off of number %d and a token of position 5:7: %s', (seq, end) => {
  const cut = { ...facts, account: { ...account, cutOff: { epoch: 5, seq } } };
  expect(accessTokenEnd(cut, claims, moment)).toBe(end);
  const both = { ...facts, client: { ...client, cutOff: { epoch: 5, seq } } };
  expect(accessTokenEnd(both, claims, moment)).toBe(end === undefined ? undefined : 'client');
});

test.each([undefined, '', '5', 'x:y', '5:7:1'])('a token with the position %j stands before every cut-off', (pos) => {
  const cut = { ...facts, account: { ...account, cutOff: { epoch: 0, seq: 1 } } };
  expect(accessTokenEnd(cut, { ...claims, pos } as AccessTokenClaims, moment)).toBe('account');
});

test('I1: what has ended never lives again, and what only has expired is told apart from it', () => {
  const lines = { account, client, session };
  expect(familyLife(family, lines, now)).toBe('live');
  expect(familyLife({ ...family, sessionId: undefined }, { ...lines, session: undefined }, now)).toBe('live');
  expect(familyLife({ ...family, ended, expiresAt: now }, lines, now)).toBe('ended');
  expect(familyLife(family, { ...lines, session: { ...session, expiresAt: now } }, now)).toBe('expired');
  expect(familyLife({ ...family, expiresAt: now }, { ...lines, session: { ...session, ended } }, now)).toBe('ended');
});

test.each([1, 0, -1])('SES-04 ASVS 7.3.2: a session with %d ms to live', (milliseconds) => {
  expect(isSessionLive({ ...session, expiresAt: row.after(60_000 + milliseconds) }, now)).toBe(milliseconds > 0);
  expect(isSessionLive(undefined, now)).toBe(false);
});
