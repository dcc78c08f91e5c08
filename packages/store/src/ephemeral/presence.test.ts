import { expect, test } from 'vitest';
import { createPresence } from './presence.ts';

function start(groupsMax = 10, membersMax = 10) {
  const clock = { now: 0 };
  return { clock, presence: createPresence(() => clock.now, groupsMax, membersMax) };
}

test('counts who was noted, each once, until they are forgotten', () => {
  const { clock, presence } = start();
  expect(presence.note('a', 'one', 20)).toBe(1);
  expect(presence.note('a', 'one', 20)).toBe(1);
  expect(presence.note('a', 'two', 20)).toBe(2);
  expect(presence.note('b', 'one', 20)).toBe(1);
  clock.now = 19;
  expect(presence.note('a', 'two', 20)).toBe(2);
  clock.now = 20;
  expect(presence.note('a', 'two', 20)).toBe(1);
});

test('so many members of a group, and so many groups, are remembered', () => {
  const { presence } = start(2, 2);
  for (const member of ['one', 'two', 'three']) presence.note('a', member, 20);
  expect(presence.note('a', 'three', 20)).toBe(2);
  for (const group of ['b', 'c']) presence.note(group, 'one', 20);
  expect(presence.note('a', 'one', 20)).toBe(1);
});
