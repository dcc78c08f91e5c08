import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Without these, Chromium talks to its makers at each start. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const found = (): string | undefined =>
  [process.env.LATCHKEY_TEST_CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));

/**
 * Finds Chromium: the one that LATCHKEY_TEST_CHROMIUM names, or one of this machine; on Debian as root it is installed,
 * unless LATCHKEY_TEST_APT=0. Undefined where there is none: what needs a browser is then left out, and says so. With
 * LATCHKEY_TEST_BROWSER=required, as in `.ci/run`, it fails instead.
 */
export function findChromium(): string | undefined {
  waitForInstallation();
  const known = found();
  if (known !== undefined) return known;
  const mayInstall =
    process.getuid?.() === 0 && process.env.LATCHKEY_TEST_APT !== '0' && existsSync('/usr/bin/apt-get');
  if (mayInstall) installOnce();
  const installed = found();
  if (installed === undefined) leaveOut(process.env, (line) => process.stderr.write(line));
  return installed;
}

/** Nobody should take a run for whole that has left something out. */
export function leaveOut(env: NodeJS.ProcessEnv, say: (line: string) => void): void {
  if (env.LATCHKEY_TEST_BROWSER === 'required')
    throw new Error(
      'no Chromium here, and LATCHKEY_TEST_BROWSER=required: install it, or name one in LATCHKEY_TEST_CHROMIUM',
    );
  say('latchkey: no Chromium here, so the browser tests are left out; name one in LATCHKEY_TEST_CHROMIUM\n');
}

const LOCK = join(tmpdir(), 'latchkey-installs-chromium');
const WAIT_MAX_SECONDS = 300;

/** A browser that is half there is none. What is left of an installation that was killed is not waited for. */
function waitForInstallation(): void {
  const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs;
  if (since === undefined) return;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(LOCK) && Date.now() - since < WAIT_MAX_SECONDS * 1_000) Atomics.wait(sleeper, 0, 0, 1_000);
}

/** Test files run side by side: one of them installs, and the others wait for it. */
function installOnce(): void {
  try {
    mkdirSync(LOCK);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    waitForInstallation();
    return;
  }
  try {
    process.stderr.write(
      'latchkey: installing Chromium for the browser tests (LATCHKEY_TEST_APT=0 leaves it out) ...\n',
    );
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { stdio: 'ignore', env, timeout: WAIT_MAX_SECONDS * 1_000 } as const;
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options);
  } finally {
    rmdirSync(LOCK);
  }
}

/** Starts a browser of its own, with an empty profile. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, headless: true, args: [...sandbox, ...QUIET] });
}
