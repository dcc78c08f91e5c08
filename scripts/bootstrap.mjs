// Runs before `npm start`, `npm test` and the other scripts, on any Node from 18 on, and imports nothing but node: modules.
// 1. Installs exactly what package-lock.json pins, when node_modules is missing or stale.
// 2. Checks that the `node` of the scripts that follow is new enough: the lock file brings a Node of its own.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const MINIMUM = [24, 15];
const windows = process.platform === 'win32';
// The Node that runs npm itself, never the one that an installation replaces.
const outerNode = process.env.npm_node_execpath ?? process.execPath;
const npmScript = process.env.npm_execpath;

const say = (line) => console.error(`latchkey: ${line}`);
const die = (line) => {
  say(line);
  process.exit(1);
};

const lockFile = join(root, 'package-lock.json');
const stampFile = join(root, 'node_modules', '.latchkey-install');

/** What must be installed: this lock file, on this platform. */
const installKey = () =>
  createHash('sha256').update(readFileSync(lockFile)).update(`${process.platform}-${process.arch}`).digest('hex');

/** True when somebody ran `npm ci` or `npm install` by hand since the lock file changed: npm writes this file last. */
function installedByHand() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  return existsSync(hidden) && statSync(hidden).mtimeMs >= statSync(lockFile).mtimeMs;
}

/** Runs npm quietly, with a line of progress every few seconds, since the first installation takes a while. */
function npm(...args) {
  const all = [...args, '--loglevel=error', '--no-audit', '--no-fund'];
  const options = {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, npm_config_dry_run: 'false' },
  };
  const child = npmScript
    ? spawn(outerNode, [npmScript, ...all], options)
    : spawn('npm', all, { ...options, shell: windows });
  return new Promise((resolve) => {
    let output = '';
    const started = Date.now();
    const ticker = setInterval(
      () => say(`still installing (${Math.round((Date.now() - started) / 1000)} s) ...`),
      10_000,
    );
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const end = (code, error) => {
      clearInterval(ticker);
      resolve({ code, error, output });
    };
    child.on('error', (error) => end(1, error));
    child.on('close', (code) => end(code ?? 1));
  });
}

async function install() {
  if (!existsSync(lockFile)) die('package-lock.json is missing; run `npm install` once.');
  const key = installKey();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === key) return;
  if (installedByHand()) return writeFileSync(stampFile, key);
  say('installing dependencies (first run, or package-lock.json changed); this takes about half a minute ...');
  let result = await npm('ci');
  // `npm ci` refuses a lock file when the registry in use lacks another platform's optional binary.
  // `npm install --no-save` still installs the locked versions with their integrity and leaves the lock file alone.
  if (result.code !== 0 && /EUSAGE/.test(result.output) && /Missing: .* from lock file/.test(result.output)) {
    say('this registry lacks optional packages of other platforms; installing without them ...');
    result = await npm('install', '--no-save');
  }
  if (result.code !== 0) {
    process.stderr.write(result.output);
    die(
      `npm could not install the dependencies (${result.error?.message ?? `exit ${result.code}`}); see the lines above.`,
    );
  }
  dropUnusableNode();
  writeFileSync(stampFile, key);
}

/** A pinned binary that cannot run here (Alpine, an old glibc) must not shadow a good system Node. */
function dropUnusableNode() {
  const local = join(root, 'node_modules', '.bin', 'node');
  if (windows || !existsSync(local) || spawnSync(local, ['-v']).status === 0) return;
  say('the bundled Node cannot run on this system; using the system Node');
  rmSync(local, { force: true });
}

function checkNode() {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  const found = spawnSync('node', ['-v'], { env: { ...process.env, PATH: path }, encoding: 'utf8', shell: windows });
  const version = (found.stdout ?? '').trim();
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  die(
    `needs Node ${MINIMUM.join('.')} or newer, found ${version || 'none'}. No bundled Node exists for ` +
      `${process.platform}-${process.arch}; install Node 24 or 26 from https://nodejs.org.`,
  );
}

await install();
checkNode();
