import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openPlace, readScript, runScript } from './script.ts';

const SCRIPTS = [
  'usage.txt',
  'init.txt',
  'accounts.txt',
  'clients.txt',
  'resources.txt',
  'tokens.txt',
  'api-keys.txt',
] as const;

test.each(SCRIPTS)('%s', { timeout: 120_000 }, async (name) => {
  const place = await openPlace();
  try {
    await runScript(readScript(name), place);
  } finally {
    await place.close();
  }
});

test('audit tail --follow prints what happens from then on, and ends at Ctrl-C', { timeout: 60_000 }, async () => {
  const place = await openPlace();
  try {
    await place.serve();
    const bin = fileURLToPath(new URL('../../packages/cli/bin/latchkey.mjs', import.meta.url));
    const follower = spawn(process.execPath, [bin, 'audit', 'tail', '--follow', '--json', '-n', '1'], {
      cwd: place.folder,
      detached: true, // a group of its own, which Ctrl-C reaches as a terminal would
    });
    let out = '';
    follower.stdout.on('data', (chunk) => (out += chunk));
    const untilPrinted = async (pattern: RegExp) => {
      const until = Date.now() + 20_000;
      while (!pattern.test(out) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(out).toMatch(pattern);
    };
    await untilPrinted(/administrator\.link_issued/);
    await place.latchkey(['resource', 'create', 'https://followed.example']);
    await untilPrinted(/resource\.created/);
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event),
    ).toEqual(['administrator.link_issued', 'resource.created']);
    process.kill(-(follower.pid ?? 0), 'SIGINT');
    await once(follower, 'close');
    expect(follower.exitCode).toBe(0);
  } finally {
    await place.close();
  }
});

test('serve ends cleanly at SIGTERM, and a second start finds its data', { timeout: 60_000 }, async () => {
  const place = await openPlace();
  try {
    const first = await place.serve();
    const credential = readFileSync(join(place.folder, '.latchkey/admin.json'), 'utf8');
    await place.latchkey(['resource', 'create', 'https://kept.example']);
    first.kill('SIGTERM');
    await once(first, 'exit');
    expect([first.exitCode, first.signalCode]).toEqual([0, null]);
    await place.serve();
    expect(readFileSync(join(place.folder, '.latchkey/admin.json'), 'utf8')).toBe(credential);
    expect((await place.latchkey(['resource', 'list'])).out).toContain('https://kept.example');
  } finally {
    await place.close();
  }
});
