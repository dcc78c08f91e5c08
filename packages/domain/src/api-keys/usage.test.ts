import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { describe, expect, test } from 'vitest';
import { believed, dayOf, hourOf, usageSeries } from './usage.ts';

const HOUR = 3_600;
const at = (seconds: number) => seconds as EpochSeconds;
const noon = Date.UTC(2026, 0, 2, 12) / 1000;
const now = (noon * 1000 + 5_000) as EpochMilliseconds;
const count = (hour: number, allowed = 5, refused = 2) => believed({ hour: at(hour), allowed, refused }, now);

describe('what is believed of a count', () => {
  test('an hour that goes on, with its last use at the latest now', () => {
    expect(count(noon)).toEqual({ startsAt: noon, allowed: 5, refused: 2, usedAt: now });
  });

  test('an hour that is over, with its last use at the latest at its end', () => {
    expect(count(noon - 2 * HOUR)?.usedAt).toBe((noon - HOUR) * 1000);
  });

  test('where nothing was allowed, it was not used', () => {
    expect(count(noon, 0, 1)).toEqual({ startsAt: noon, allowed: 0, refused: 1, usedAt: undefined });
  });

  test('nothing is no count', () => {
    expect([count(noon, 0, 0), count(noon, -1, -1)]).toEqual([undefined, undefined]);
  });

  test('a time within an hour is none', () => {
    expect(count(noon + 1)).toBeUndefined();
  });

  test('an hour ahead is believed only as far as clocks differ', () => {
    const before = (seconds: number) =>
      believed({ hour: at(noon), allowed: 1, refused: 0 }, ((noon - seconds) * 1000) as EpochMilliseconds);
    expect(before(DURATIONS.usageAhead)?.usedAt).toBe((noon - DURATIONS.usageAhead) * 1000);
    expect(before(DURATIONS.usageAhead + 1)).toBeUndefined();
  });

  test('an hour that ended long ago is not', () => {
    const after = (seconds: number) =>
      believed({ hour: at(noon), allowed: 1, refused: 0 }, ((noon + HOUR + seconds) * 1000) as EpochMilliseconds);
    expect([after(DURATIONS.usageLate - 1)?.startsAt, after(DURATIONS.usageLate)]).toEqual([noon, undefined]);
  });

  test('more uses than can be are cut', () => {
    const max = LIMITS.usesPerReportMax;
    expect(count(noon, max, max + 1)).toMatchObject({ allowed: max, refused: max });
  });
});

describe('a series', () => {
  const day = dayOf(at(noon));
  const rows = [
    { span: 'day', startsAt: at(day - 86_400), allowed: 7, refused: 0 },
    { span: 'hour', startsAt: at(noon), allowed: 3, refused: 1 },
    { span: 'hour', startsAt: at(noon - HOUR), allowed: 2, refused: 0 },
    { span: 'day', startsAt: day, allowed: 10, refused: 4 },
  ] as const;

  test('by day adds up hours that are not days yet', () => {
    expect(usageSeries(rows, { from: at(0), to: at(noon), span: 'day' })).toEqual([
      { startsAt: day - 86_400, allowed: 7, refused: 0 },
      { startsAt: day, allowed: 15, refused: 5 },
    ]);
  });

  test('by hour leaves out days', () => {
    expect(usageSeries(rows, { from: at(0), to: at(noon + 1), span: 'hour' })).toEqual([
      { startsAt: noon - HOUR, allowed: 2, refused: 0 },
      { startsAt: noon, allowed: 3, refused: 1 },
    ]);
  });

  test('begins with from and ends before to', () => {
    const between = (from: number, to: number) =>
      usageSeries(rows, { from: at(from), to: at(to), span: 'hour' }).map(({ startsAt }) => startsAt);
    expect(between(noon - HOUR, noon)).toEqual([noon - HOUR]);
    expect(between(noon - HOUR + 1, noon + 1)).toEqual([noon]);
  });

  test('hours and days begin where they do in UTC', () => {
    expect([hourOf(at(noon + 3_599)), hourOf(at(noon + HOUR)), dayOf(at(day + 86_399))]).toEqual([
      noon,
      noon + HOUR,
      day,
    ]);
  });
});
