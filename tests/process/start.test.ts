import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bareEnv, listenTo, root, type Said, signalGroup } from './server-process.ts';

/** The last line that a start prints; before it come all the others. */
const LAST_LINE = /^curl -si .*\/profile .*\n/m;
const SHELLS = ['bash', 'zsh'].filter((shell) => spawnSync(shell, ['-c', 'true']).status === 0);

let folder: string;
let ports: readonly [number, number];
const running: Said[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-start-'));
  ports = [await freePort(), await freePort()];
});
afterAll(async () => {
  for (const said of running) {
    signalGroup(said, 'SIGINT');
    await said.ended();
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(...more: readonly string[]): Said {
  const args = ['--port', String(ports[0]), '--api-port', String(ports[1]), '--folder', folder, ...more];
  const said = listenTo(process.execPath, ['--conditions=@latchkey/source', join(root, 'scripts/start.ts'), ...args], {
    cwd: root,
    env: bareEnv(folder),
  });
  running.push(said);
  return said;
}

/** The processes that a process has started, as far as this system tells. */
const childrenOf = ({ child: { pid } }: Said): readonly number[] =>
  process.platform === 'linux'
    ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
    : [];

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const passwordIn = (text: string) => /^Account +demo +(\S+)/m.exec(text)?.[1];

test('npm start: at most fifteen lines, whose commands work when they are pasted; Ctrl-C leaves nothing; a second start finds its data', {
  timeout: 180_000,
}, async () => {
  const first = start();
  await first.until(LAST_LINE);
  const lines = (first.out() + first.err()).trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(15);
  expect(SHELLS.length > 0 || process.platform === 'win32').toBe(true);
  for (const shell of SHELLS) expectPasted(shell, lines);
  const children = childrenOf(first);
  expect([children.length, children.every(isAlive)]).toEqual([process.platform === 'linux' ? 2 : 0, true]);
  expect(process.platform === 'win32' || (statSync(join(folder, '.latchkey/demo.json')).mode & 0o777) === 0o600).toBe(
    true,
  );
  signalGroup(first, 'SIGINT');
  expect([await first.ended(), first.err()]).toEqual([0, '']);
  expect(children.filter(isAlive)).toEqual([]);

  const second = start();
  await second.until(LAST_LINE);
  expect(passwordIn(second.out())).toBe(passwordIn(first.out()));
  const login = lines.filter((line) => /^(lk|pick)\(\) |^R=\$\(lk login/.test(line)).join('\n');
  expect(execFileSync('bash', { input: login, encoding: 'utf8' })).toContain('"access_token":"');
  signalGroup(second, 'SIGINT');
  expect(await second.ended()).toBe(0);
});

/** Pastes the printed commands into a shell, from the first to the last; the last one until the API has heard of it. */
function expectPasted(shell: string, lines: readonly string[]): void {
  const commands = lines.slice(lines.findIndex((line) => line.startsWith('lk() ')));
  const last = commands.pop() ?? '';
  const again = `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    O=$(${last}); case "$O" in "HTTP/1.1 401"*) break;; esac; sleep 0.5
  done; printf '%s\\n' "$O"`;
  const flags = { bash: ['--norc'], zsh: ['-f'] }[shell] ?? [];
  const output = execFileSync(shell, flags, { input: [...commands, again, ''].join('\n'), encoding: 'utf8' });
  const [login = '', profile = '', refresh = '', ...rest] = output.trimEnd().split('\n');
  expect(JSON.parse(login)).toMatchObject({ access_token: expect.any(String), refresh_token: expect.any(String) });
  expect(JSON.parse(profile)).toMatchObject({ message: expect.stringMatching(/^Hello acc_/), scope: 'profile:read' });
  expect(JSON.parse(refresh).refresh_token).not.toBe(JSON.parse(login).refresh_token);
  expect(rest.join('\n')).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer .*error="invalid_token"/i);
}

test.each([
  ['--port', 0],
  ['--api-port', 1],
] as const)('npm start: a port in use is named with the flag that changes it: %s', async (flag, index) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const said = start(...(index === 0 ? ['--port', String(port)] : ['--api-port', String(port)]));
  const code = await said.ended();
  taken.close();
  expect([code, said.out(), said.err().trimEnd().split('\n').length]).toEqual([1, '', 1]);
  expect(said.err()).toMatch(new RegExp(`^Port ${port} is in use\\..* npm start -- ${flag} \\d+$`, 'm'));
});

test.each([
  [['--port', 'http'], '--port is a number'],
  [['--port', '65536'], '--port is a number'],
  [['--api-port', '0'], '--api-port is a number'],
  [['--prot', '1'], "Unknown option '--prot'"],
] as const)('npm start: %j is told with the flags that there are', async (args, told) => {
  const said = start(...args);
  expect(await said.ended()).toBe(2);
  expect(said.err()).toContain(told);
  expect(said.err()).toContain('[--api-port 8401]');
});

test('npm start: Ctrl-C while it is still coming up leaves nothing either', { timeout: 60_000 }, async () => {
  const said = start();
  const children = await firstChildren(said);
  signalGroup(said, 'SIGINT');
  expect([await said.ended(), said.err()]).toEqual([0, '']);
  expect(children.filter(isAlive)).toEqual([]);
});

async function firstChildren(said: Said): Promise<readonly number[]> {
  for (;;) {
    const children = childrenOf(said);
    if (process.platform !== 'linux' || (children[0] ?? 0) > 0) return children;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
