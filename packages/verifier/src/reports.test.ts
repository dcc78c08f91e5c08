import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { createStubIssuer, json, STUB_ISSUER, type StubIssuer, settle } from '@latchkey/testkit/stub-issuer';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { accessOf } from './access.ts';
import { createMeters, type Meters } from './meters.ts';
import { aboutOf } from './refusals.ts';
import { createReports, type Reports } from './reports.ts';
import { systemTimers } from './system-timers.ts';

let stub: StubIssuer;
let reports: Reports;
let meters: Meters;
let time: number;
let heard: unknown[];
let sent: Sent[];

interface Sent {
  readonly refusals: readonly { readonly id: string }[];
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  stub = await createStubIssuer();
  heard = [];
  sent = [];
  time = 0;
  stub.on('/reports', async (request) => {
    sent.push((await request.json()) as Sent);
    return new Response(null, { status: 204 });
  });
  reports = made('Basic abc');
});
afterEach(() => {
  reports.close();
  vi.useRealTimers();
});

function made(basic: string | undefined): Reports {
  const config = {
    issuer: STUB_ISSUER,
    basic,
    fetch: stub.fetch,
    timers: systemTimers,
    now: () => 1_795_000_000_123.5 + time,
    monotonic: () => time,
    name: 'orders',
    instance: 'orders-1',
    random: () => 0,
    onEvent: (event: unknown) => void heard.push(event),
  };
  meters = createMeters({ ...config, isStrict: false });
  return createReports(config, meters);
}
const refuse = (times: number) =>
  Array.from({ length: times }, () => reports.remember('token_malformed', 'https://api.example', {}));
async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  await settle();
}

test('each refusal has an id of its own, behind the name of its process', () => {
  expect(refuse(3)).toEqual(['orders-1', 'orders-2', 'orders-3']);
});

test('refusals are told together, a second after the first', async () => {
  reports.remember('token_revoked', 'https://api.example', { token: 'tok_1' });
  await pass(999);
  reports.remember('token_malformed', 'https://api.example', {});
  expect(sent).toEqual([]);
  await pass(1);
  const rest = { at: 1_795_000_000_123, where: 'https://api.example' };
  expect(sent).toEqual([
    {
      refusals: [
        { id: 'orders-1', error: 'token_revoked', ...rest, about: { token: 'tok_1' } },
        { id: 'orders-2', error: 'token_malformed', ...rest, about: {} },
      ],
    },
  ]);
  await pass(10_000);
  expect(sent).toHaveLength(1);
});

test('without a credential there is nobody to tell, and nothing is kept', async () => {
  reports = made(undefined);
  expect(refuse(2)).toEqual(['orders-1', 'orders-2']);
  await pass(10_000);
  expect(stub.asked).toEqual([]);
});

test('so many are told at a time, and the rest a second later', async () => {
  refuse(LIMITS.refusalsPerReportMax + 1);
  await pass(1_000);
  await pass(1_000);
  expect(sent.map(({ refusals }) => refusals.length)).toEqual([LIMITS.refusalsPerReportMax, 1]);
});

test('so many may wait; then the oldest are given up', async () => {
  refuse(LIMITS.refusalsKept + 1);
  for (let second = 0; second < 30; second++) await pass(1_000);
  const told = sent.flatMap(({ refusals }) => refusals.map(({ id }) => id));
  expect([told.length, told[0], told.at(-1)]).toEqual([
    LIMITS.refusalsKept - LIMITS.refusalsPerReportMax + 1,
    `orders-${(LIMITS.refusalsPerReportMax + 1).toString(36)}`,
    `orders-${(LIMITS.refusalsKept + 1).toString(36)}`,
  ]);
});

test.each([
  ['an error', () => json({}, 422), 'reports were answered 422'],
  ['no connection', () => Promise.reject(new TypeError('fetch failed')), 'fetch failed'],
])('what was answered with %s is lost, and told of; the next report goes on', async (_, handler, reason) => {
  const before = sent;
  stub.on('/reports', handler);
  refuse(1);
  await pass(1_000);
  expect(heard).toEqual([{ event: 'reports_lost', reason }]);
  stub.on('/reports', async (request) => {
    before.push((await request.json()) as Sent);
    return new Response(null, { status: 204 });
  });
  refuse(1);
  await pass(1_000);
  expect(sent).toMatchObject([{ refusals: [{ id: 'orders-2' }] }]);
});

test('closed, nothing is told', async () => {
  refuse(1);
  reports.close();
  refuse(1);
  await pass(10_000);
  expect(sent).toEqual([]);
});

describe('what a refusal is about', () => {
  const claims: AccessTokenClaims = {
    iss: STUB_ISSUER,
    sub: 'acc_1',
    aud: 'https://api.example',
    client_id: 'cli_1',
    jti: 'tok_1',
    iat: 1 as EpochSeconds,
    exp: 2 as EpochSeconds,
    fid: 'fam_1',
    sid: 'ses_1',
    email: 'alice@example.com',
  };
  const ids = { token: 'tok_1', family: 'fam_1', session: 'ses_1', subject: 'acc_1', client: 'cli_1' };
  const token = () => stub.mint(1, claims);

  test('of an access that is not enough, and of a token that was good once: its ids, and nothing else', () => {
    expect(aboutOf('scope_insufficient', accessOf({ ...claims }), token())).toEqual(ids);
    expect(aboutOf('token_revoked', undefined, token())).toEqual(ids);
    expect(aboutOf('token_expired', undefined, token())).toEqual(ids);
  });

  test('of a key that was revoked: the key', () => {
    expect(aboutOf('token_key_revoked', undefined, token())).toEqual({ key: stub.key.jwk.kid });
  });

  test('of what anybody can make up: nothing', () => {
    for (const error of [
      'token_signature_invalid',
      'token_malformed',
      'token_key_unknown',
      'csrf_cookie_refused',
    ] as const)
      expect(aboutOf(error, undefined, token())).toEqual({});
  });

  test('a value that no server would take is left out: a report is taken as a whole or not at all', () => {
    const odd = {
      ...claims,
      jti: '',
      sub: 'x'.repeat(200),
      client_id: 'x'.repeat(201),
      fid: undefined,
      sid: undefined,
    };
    expect(aboutOf('token_revoked', undefined, stub.mint(1, odd))).toEqual({ subject: 'x'.repeat(200) });
  });
});
