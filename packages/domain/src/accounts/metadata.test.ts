import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, ClientId, EpochMilliseconds } from '@latchkey/protocol/types';
import { describe, expect, test } from 'vitest';
import { eventExpiry } from '../tokens/event-expiry.ts';
import { type AccountMetadata, parseMetadata } from './metadata.ts';
import { decideSetMetadata, loadSetMetadata, type SetMetadataFacts } from './set-metadata.ts';

const text = (length: number): string => 'x'.repeat(length);
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, true]));
/** An entry of so many bytes as a JSON object with nothing else in it, in pieces that are short enough. */
const ofBytes = (bytes: number) => {
  const empty = JSON.stringify({ a: ['', '', '', '', ''] }).length;
  const rest = bytes - empty;
  return {
    a: [1, 2, 3, 4]
      .map(() => text(Math.min(1000, Math.floor(rest / 5))))
      .concat(text(rest - 4 * Math.min(1000, Math.floor(rest / 5)))),
  };
};

describe('what may be kept about an account', () => {
  const VALUES = { seats: 12.5, plan: 'gold', beta: false, regions: ['north', 'süd'] };
  test('texts, numbers, booleans and lists of texts, in one order whatever came', () => {
    const parsed = parseMetadata('acme-1.eu:x', VALUES);
    expect(parsed).toEqual({ ok: true, value: { tenant: 'acme-1.eu:x', values: VALUES } });
    expect(parsed.ok && Object.keys(parsed.value.values)).toEqual(['beta', 'plan', 'regions', 'seats']);
    expect(parseMetadata(undefined, {})).toEqual({ ok: true, value: { tenant: undefined, values: {} } });
  });

  const L = LIMITS;
  const cases: readonly (readonly [
    string,
    string | undefined,
    Readonly<Record<string, unknown>>,
    string | undefined,
  ])[] = [
    ['the longest tenant', text(L.tenantMax), {}, undefined],
    ['a tenant one longer', text(L.tenantMax + 1), {}, 'tenant'],
    ['no name of a tenant', '', {}, 'tenant'],
    ['a tenant with a blank', 'a b', {}, 'tenant'],
    ['as many entries as may be', undefined, many(L.metadataEntriesMax), undefined],
    ['one entry more', undefined, many(L.metadataEntriesMax + 1), 'values'],
    ['the longest name', undefined, { [text(L.metadataNameMax)]: 1 }, undefined],
    ['a name one longer', undefined, { [text(L.metadataNameMax + 1)]: 1 }, 'values'],
    ['a name that begins with no letter', undefined, { _proto: 1 }, 'values'],
    ['the name that objects have', undefined, JSON.parse('{"__proto__": "x"}'), 'values'],
    ['the longest text', undefined, { a: text(L.metadataTextMax) }, undefined],
    ['a text one longer', undefined, { a: text(L.metadataTextMax + 1) }, 'values.a'],
    ['half a character', undefined, { a: '\ud800' }, 'values.a'],
    ['the longest list', undefined, { a: Array(L.metadataListMax).fill('x') }, undefined],
    ['a list one longer', undefined, { a: Array(L.metadataListMax + 1).fill('x') }, 'values.a'],
    ['a list of numbers', undefined, { a: [1] }, 'values.a'],
    ['a number that is none', undefined, { a: Number.POSITIVE_INFINITY }, 'values.a'],
    ['nothing', undefined, { a: null }, 'values.a'],
    ['an object', undefined, { a: {} }, 'values.a'],
    ['as many bytes as may be', undefined, ofBytes(L.metadataBytesMax), undefined],
    ['one byte more', undefined, ofBytes(L.metadataBytesMax + 1), 'values'],
  ];
  test.each(cases)('%s', (_, tenant, values, member) => {
    const parsed = parseMetadata(tenant, values);
    expect(parsed.ok ? undefined : parsed.error.member).toBe(member);
  });
});

describe('metadata are put as a whole', () => {
  const id = 'acc_1' as AccountId;
  const moment = { now: 5 as EpochMilliseconds, position: { epoch: 1, seq: 0 }, catalogue: 1 };
  const account = { id, version: 1, createdAt: 1 as EpochMilliseconds, disabledAt: undefined, cutOff: undefined };
  const before: AccountMetadata = { accountId: id, version: 3, tenant: 'acme', values: { plan: 'gold', seats: 1 } };
  const facts: SetMetadataFacts = { account, metadata: before, liveApiKeys: 0 };
  const command = {
    id,
    administrator: { id: 'cli_1' as ClientId, scope: [] },
    version: undefined,
    tenant: 'acme',
    values: { plan: 'gold', seats: 2 },
  };
  const audited = (detail: object) => ({
    kind: 'audit.append',
    entry: { at: 5, event: 'account.metadata_changed', actor: 'cli_1', subject: { account: id }, detail },
  });

  test('the next version takes the place of the last, and the log names what changed and no value but the tenant', () => {
    const after = { ...before, version: 4, values: command.values };
    expect(decideSetMetadata(facts, command, moment)).toEqual({
      outcome: { ok: true, value: after },
      expects: [],
      writes: [{ kind: 'account_metadata.set', metadata: after }, audited({ fields: 'seats', tenant: 'acme' })],
    });
  });
  test('the first begins with version 1; a tenant that goes is a change', () => {
    const first = decideSetMetadata(
      { account, metadata: undefined, liveApiKeys: 0 },
      { ...command, version: 0 },
      moment,
    );
    expect(first.outcome).toEqual({
      ok: true,
      value: { accountId: id, version: 1, tenant: 'acme', values: command.values },
    });
    expect(first.writes.slice(1)).toEqual([audited({ fields: 'tenant plan seats', tenant: 'acme' })]);
    const without = decideSetMetadata(facts, { ...command, tenant: undefined, values: {} }, moment);
    expect(without.writes.slice(1)).toEqual([audited({ fields: 'tenant plan seats' })]);
  });
  test('what verifiers keep of the API keys of who belongs to another tenant is not true any more', () => {
    const withKeys = { ...facts, liveApiKeys: 1 };
    const event = { kind: 'changed', id, exp: eventExpiry(moment.now) };
    const emitted = { kind: 'revocation.emit', event };
    for (const tenant of ['other', undefined])
      expect(decideSetMetadata(withKeys, { ...command, tenant }, moment).writes).toContainEqual(emitted);
    expect(decideSetMetadata(withKeys, command, moment).writes).not.toContainEqual(emitted);
    expect(decideSetMetadata(facts, { ...command, tenant: 'other' }, moment).writes).not.toContainEqual(emitted);
  });
  test('what stays as it is writes nothing', () => {
    const same = decideSetMetadata(facts, { ...command, version: 3, values: before.values }, moment);
    expect(same).toEqual({ outcome: { ok: true, value: before }, expects: [], writes: [] });
  });
  test.each([2, 4])('whoever saw version %i, and not 3, looks again', (version) => {
    const { outcome, writes } = decideSetMetadata(facts, { ...command, version }, moment);
    expect([outcome, writes]).toEqual([{ ok: false, error: 'changed_meanwhile' }, []]);
  });
  test('there is nobody', () => {
    const { outcome } = decideSetMetadata({ account: undefined, metadata: undefined, liveApiKeys: 0 }, command, moment);
    expect(outcome).toEqual({ ok: false, error: 'not_found' });
  });
  test('what the decision looks at', async () => {
    const read = { account: async () => account, metadata: async () => before, liveApiKeys: async () => 0 };
    expect(await loadSetMetadata(read, id, moment)).toEqual(facts);
  });
});
