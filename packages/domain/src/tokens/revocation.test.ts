import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { proved } from '../clients/client.ts';
import {
  decideRevokeAccessToken,
  decideRevokeRefreshToken,
  type RevokeAccessTokenFacts,
  type RevokeRefreshTokenFacts,
} from './revocation.ts';

const now = row.after(60_000);
const moment = { now, position: { epoch: 5, seq: 12 }, catalogue: 1 };
const inSeconds = (some: number) => (seconds(now) + some) as EpochSeconds;
const account = row.account(1);
const client = row.client(1, { version: 4 });
const session = row.session(1);
const family = row.family(1);
const asking = proved(client);
const stranger = { ...asking, id: row.idOf('cli', 2) };
const expects = [{ table: 'client', id: client.id, version: 4 }];
const nothing = { outcome: { ok: true, value: 'nothing_to_revoke' }, expects: [], writes: [] };
const refused = (error: string) => ({ outcome: { ok: false, error }, expects: [], writes: [] });
const revoked = (...writes: readonly object[]) => ({ outcome: { ok: true, value: 'revoked' }, expects, writes });
const familyEnds = [
  { kind: 'family.end', id: family.id, ended: { at: now, reason: 'revoked_by_client', by: client.id } },
  { kind: 'revocation.emit', event: { kind: 'family', id: family.id, exp: inSeconds(3_780) } },
];
const audited = (subject: object) => ({
  kind: 'audit.append',
  entry: { at: now, event: 'token.revoked', actor: client.id, subject, detail: {} },
});

const facts: RevokeRefreshTokenFacts = { family, seedMatches: true, account, client, session };
const ended = { at: now, reason: 'logout', by: 'x' } as const;

test('REV-03 RFC 7009 §2.1: a refresh token that is given back ends its family, by one event', () => {
  expect(decideRevokeRefreshToken(facts, asking, moment)).toEqual(
    revoked(...familyEnds, audited({ family: family.id, account: account.id, client: client.id })),
  );
});

test.each([
  ['of no family', { family: undefined }],
  ['made without its seed', { seedMatches: false }],
  ['of an ended family', { family: { ...family, ended } }],
  ['of an expired family', { family: { ...family, expiresAt: now } }],
  ['of an ended session', { session: { ...session, ended } }],
  ['of a disabled account', { account: { ...account, disabledAt: now } }],
  ['of a deleted client', { client: { ...client, version: 5, deletedAt: now } }],
])('REV-01 RFC 7009 §2.2: a refresh token %s is no error, and changes nothing', (_, more) => {
  expect(decideRevokeRefreshToken({ ...facts, ...more }, asking, moment)).toEqual(nothing);
});

test('REV-04 RFC 7009 §2.1: a client cannot revoke a refresh token of another, live or not', () => {
  for (const more of [{}, { family: { ...family, ended } }, { client: undefined }])
    expect(decideRevokeRefreshToken({ ...facts, ...more }, stranger, moment)).toEqual(refused('token_of_other_client'));
});

test.each([3, 5])('a client that was proved in version %d of its row, which is 4 now, revokes nothing', (version) => {
  const stale = { ...asking, version };
  expect(decideRevokeRefreshToken(facts, stale, moment)).toEqual(refused('client_changed'));
  const command = { client: stale, claims, isFlood: true };
  expect(decideRevokeAccessToken(access, command, moment)).toEqual(refused('client_changed'));
});

const claims: AccessTokenClaims = {
  iss: 'https://id.example',
  sub: account.id,
  aud: row.API,
  client_id: client.id,
  jti: row.idOf('tok', 1),
  iat: inSeconds(-10),
  exp: inSeconds(290),
  pos: '5:7',
  sid: session.id,
  fid: family.id,
};
const machine: AccessTokenClaims = { ...claims, sub: client.id, sid: undefined, fid: undefined } as never;
const access: RevokeAccessTokenFacts = {
  account,
  client,
  session,
  family,
  apiKey: undefined,
  owner: undefined,
  events: [],
  record: undefined,
};
const decide = (
  more: Partial<Parameters<typeof decideRevokeAccessToken>[1]> = {},
  some: Partial<RevokeAccessTokenFacts> = {},
) => decideRevokeAccessToken({ ...access, ...some }, { client: asking, claims, isFlood: false, ...more }, moment);
const tokenEnds = (exp: number) => ({ kind: 'revocation.emit', event: { kind: 'token', id: claims.jti, exp } });

test('REV-07 RFC 7009 §2.1: an access token ends by one event, which names its id and no more', () => {
  expect(decide()).toEqual(
    revoked(tokenEnds(inSeconds(470)), audited({ token: claims.jti, client: client.id, family: family.id })),
  );
  expect(decide({ claims: machine }, { account: undefined, session: undefined, family: undefined })).toEqual(
    revoked(tokenEnds(inSeconds(470)), audited({ token: claims.jti, client: client.id })),
  );
});

test.each([
  [-181, 'nothing_to_revoke', 0],
  [-180, 'nothing_to_revoke', 0],
  [-179, 'revoked', 1],
  [3_599, 'revoked', 3_779],
  [3_600, 'revoked', 3_780],
  [3_601, 'revoked', 3_780],
])('REV-07: a token that expires in %d s: %s, with an event for %d s more', (life, value, kept) => {
  const decided = decide({ claims: { ...claims, exp: inSeconds(life) } });
  expect(decided.outcome).toEqual({ ok: true, value });
  expect(decided.writes.slice(0, 1)).toEqual(value === 'revoked' ? [tokenEnds(inSeconds(kept))] : []);
});

test('REV-01: an access token that has ended already makes no event, a flood of them neither', () => {
  const event = { epoch: 5, seq: 9, kind: 'token', id: claims.jti, exp: inSeconds(9) } as const;
  for (const isFlood of [true, false]) {
    expect(decide({ isFlood }, { events: [event] })).toEqual(nothing);
    expect(decide({ isFlood }, { family: { ...family, ended } })).toEqual(nothing);
    expect(decide({ isFlood }, { client: undefined })).toEqual(nothing);
  }
});

test('REV-04: a client cannot revoke an access token of another, expired or not', () => {
  expect(decide({ client: stranger })).toEqual(refused('token_of_other_client'));
  expect(decide({ client: stranger, claims: { ...claims, exp: inSeconds(-999) } })).toEqual(
    refused('token_of_other_client'),
  );
});

const alert = (subject: object) => ({
  kind: 'alert.raise',
  entry: { at: now, event: 'feed.cut_off_instead_of_tokens', actor: client.id, subject, detail: {} },
});

test('a flood of single tokens: the end of the family, or one cut-off of the client, takes their place', () => {
  expect(decide({ isFlood: true })).toEqual(revoked(...familyEnds, alert({ client: client.id, family: family.id })));
  const alone = { account: undefined, session: undefined, family: undefined };
  expect(decide({ isFlood: true, claims: machine }, alone)).toEqual(
    revoked(
      { kind: 'revocation.emit', event: { kind: 'client', id: client.id, exp: inSeconds(3_780) } },
      alert({ client: client.id }),
    ),
  );
});

test('REV-07: what is kept of a token goes with it, unless it has a place in a status list; its handle stays in the log', () => {
  const record = row.tokenRecord(1);
  const forget = { kind: 'token.forget', jti: record.jti };
  const audit = audited({ token: claims.jti, client: client.id, family: family.id, handle: 'handle-1' });
  expect(decide({}, { record })).toEqual(revoked(tokenEnds(inSeconds(470)), forget, audit));
  const listed = { ...record, status: { list: 1, index: 2 } };
  expect(decide({}, { record: listed })).toEqual(revoked(tokenEnds(inSeconds(470)), audit));
  expect(decide({}, { record: { ...record, opaque: undefined } })).toEqual(
    revoked(tokenEnds(inSeconds(470)), forget, audited({ token: claims.jti, client: client.id, family: family.id })),
  );
  const flood = alert({ client: client.id, family: family.id });
  expect(decide({ isFlood: true }, { record })).toEqual(revoked(...familyEnds, flood, forget));
  expect(decide({ client: stranger }, { record })).toEqual(refused('token_of_other_client'));
  expect(decide({}, { record, client: undefined })).toEqual(nothing);
});
