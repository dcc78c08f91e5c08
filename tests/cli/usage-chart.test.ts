import { usageChart } from '@latchkey/cli/usage-chart';
import { expect, test } from 'vitest';

const bin = (label: string, allowed: number, refused = 0) => ({ label, allowed, refused });

test('bars are to one scale, in eighths of a column; whatever was refused is seen', () => {
  const bins = [bin('01', 1_600), bin('02', 0), bin('03', 100), bin('04', 800, 1), bin('05', 0, 1)];
  expect(usageChart(bins, { width: 30, isPlain: false })).toEqual([
    '01 │██████████ 1,600',
    '02 │',
    '03 │▋ 100',
    '04 │████░ 800, 1 refused',
    '05 │░ 0, 1 refused',
  ]);
});

test('without blocks it is drawn of letters, and one use is seen, too', () => {
  const bins = [bin('a', 20), bin('b', 1), bin('c', 10, 10)];
  expect(usageChart(bins, { width: 29, isPlain: true })).toEqual([
    'a |########## 20',
    'b |# 1',
    'c |#####xxxxx 10, 10 refused',
  ]);
});

test('nothing at all is no chart, and days without any use are empty lines', () => {
  expect(usageChart([], { width: 80, isPlain: false })).toEqual([]);
  expect(usageChart([bin('01', 0)], { width: 80, isPlain: true })).toEqual(['01 |']);
});

test('no line is wider than the terminal, where that has room for a bar', () => {
  const bins = Array.from({ length: 40 }, (_, n) => bin(`2026-01-${n}`, n * n * 1_000, n % 3));
  for (const width of [44, 80, 200])
    for (const line of usageChart(bins, { width, isPlain: false })) expect(line.length).toBeLessThanOrEqual(width);
});
