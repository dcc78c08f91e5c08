import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bareEnv, listenTo, root, type Said, signalGroup } from './server-process.ts';

/** What the tour says, in this order. */
const STEPS = [
  /server ready/,
  /API ready: it has the keys and follows the revocation feed/,
  /login: an access token for 300 s, and a refresh token/,
  /API accepts the access token: 200; network calls of the API for it: 0/,
  /refresh: a new access token and a new refresh token/,
  /the same refresh again, as after a lost response: the same successor/,
  /API accepts the new access token: 200/,
  /a thief presents the first refresh token/,
  /server answers 400 invalid_grant: the family has ended/,
  /API refuses the access token, \d+\.\d ms after the server's answer/,
  /the owner's refresh token: 400 invalid_grant\. Sign in again\./,
];

let temporary: string;
const running: Said[] = [];
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'latchkey-tours-'));
});
afterAll(async () => {
  for (const said of running) {
    signalGroup(said, 'SIGINT');
    await said.ended();
  }
  rmSync(temporary, { recursive: true, force: true });
});

function tour(): Said {
  const said = listenTo(process.execPath, ['--conditions=@latchkey/source', join(root, 'scripts/tour.ts')], {
    cwd: root,
    env: { ...bareEnv(temporary), TMPDIR: temporary, TEMP: temporary },
  });
  running.push(said);
  return said;
}

test('npm run tour: the whole life of a token, and nothing is left of it', { timeout: 90_000 }, async () => {
  const said = tour();
  expect([await said.ended(), said.err()]).toEqual([0, '']);
  const timeline = said
    .out()
    .split('\n')
    .filter((line) => / ms {2}/.test(line));
  // the API may hear of the end before the thief has read the answer
  const [at, told] = [timeline.findIndex((line) => /server answers/.test(line)), 8];
  if (at === told + 1) timeline.splice(told, 2, timeline[at] ?? '', timeline[told] ?? '');
  expect(timeline).toEqual(STEPS.map((step) => expect.stringMatching(step)));
  expect(said.out()).toContain('The overlap for lost responses is 400 ms here instead of 10 s');
  expect(readdirSync(temporary)).toEqual([]);
});

test('the README shows what the tour says', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const shown = readme.slice(readme.indexOf('<!-- tour -->'), readme.indexOf('<!-- /tour -->'));
  const timeline = shown.split('\n').filter((line) => / ms {2}/.test(line));
  expect(timeline).toEqual(STEPS.map((step) => expect.stringMatching(step)));
});

test.each([
  ['at its beginning', /The overlap/],
  ['in the middle', /network calls/],
  ['while it waits for the overlap to end', /the same successor/],
])('npm run tour: Ctrl-C %s leaves nothing', { timeout: 60_000 }, async (_, step) => {
  const said = tour();
  await said.until(step);
  signalGroup(said, 'SIGINT');
  expect([await said.ended(), said.err()]).toEqual([130, '']);
  expect(readdirSync(temporary)).toEqual([]);
});

test('npm run tour: a second Ctrl-C right after the first, as npm sends it, changes nothing', {
  timeout: 60_000,
}, async () => {
  const said = tour();
  await said.until(/server ready/);
  signalGroup(said, 'SIGINT');
  signalGroup(said, 'SIGINT');
  expect(await said.ended()).toBe(130);
  expect(readdirSync(temporary)).toEqual([]);
});

test('npm run tour: a terminal that is closed leaves nothing', { timeout: 60_000 }, async () => {
  const said = tour();
  await said.until(/server ready/);
  signalGroup(said, 'SIGHUP');
  expect(await said.ended()).toBe(130);
  expect(readdirSync(temporary)).toEqual([]);
});
