import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from '@latchkey/testkit/test-server';
import { root } from '../../scripts/processes.ts';
import { type Block, blocksOf } from './markdown.ts';

/** Ports that guides name; each run takes free ones instead. */
const PORTS = ['8400', '3000', '9400'] as const;
const LIBRARIES = ['express', 'fastify', 'hono', '@hono/node-server', 'openid-client', 'oauth4webapi', 'jose'];

/** A folder above those of the guides in which the packed verifier and the libraries are installed, as a user would. */
export interface Workshop {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  remove(): void;
}

export function createWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-guides-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const command = join(root, 'packages/cli/bin/latchkey.mjs');
  writeFileSync(join(bin, 'latchkey'), `#!/bin/sh\nexec "${process.execPath}" "${command}" "$@"\n`);
  chmodSync(join(bin, 'latchkey'), 0o755);
  const path = [bin, dirname(process.execPath), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, LATCHKEY: root, NODE_OPTIONS: '' };
  execFileSync('npm', ['run', '--silent', 'pack'], { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const manifest: { devDependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const packages = LIBRARIES.map((name) => `${name}@${manifest.devDependencies[name]}`);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'guides', private: true, type: 'module' }));
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  execFileSync('npm', ['install', ...quiet, ...packages, packedVerifier()], { cwd: folder, env, stdio: 'inherit' });
  return { folder, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export const packedVerifier = (): string => join(root, 'packs', 'latchkey-verifier-0.1.0.tgz');

/** Follows a guide from top to bottom in a folder of its own. Throws at the first block that does not do as it says. */
export async function runGuide(file: string, workshop: Workshop): Promise<readonly string[]> {
  const folder = mkdtempSync(join(workshop.folder, 'guide-'));
  const ports = new Map<string, string>();
  for (const port of PORTS) ports.set(port, String(await freePort()));
  const text = PORTS.reduce(
    (all, port) => all.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), ports.get(port) ?? port),
    readFileSync(join(root, file), 'utf8'),
  );
  const running: ChildProcess[] = [];
  const done: string[] = [];
  try {
    for (const block of blocksOf(text)) {
      const what = await runBlock(block, folder, workshop.env, running, ports);
      if (what !== undefined) done.push(what);
    }
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    for (const { pid } of running) if (pid !== undefined) stopGroup(pid);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return done;
}

async function runBlock(
  block: Block,
  folder: string,
  env: NodeJS.ProcessEnv,
  running: ChildProcess[],
  ports: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const { attributes, text, line } = block;
  if (attributes.file !== undefined) {
    const path = join(folder, attributes.file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
    return `file ${attributes.file}`;
  }
  if (attributes.run === 'background') {
    running.push(
      spawn('bash', ['-c', text], { cwd: folder, env, detached: true, stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    await untilOpen(Number(ports.get(portOf(text))), line);
    return 'background';
  }
  if (attributes.run !== 'once') return undefined;
  const output = await bash(text, folder, env);
  const { expect } = attributes;
  if (expect !== undefined && !output.text.includes(expect))
    throw new Error(`line ${line}: expected ${expect}, got ${output.text}`);
  if (expect === undefined && output.code !== 0) throw new Error(`line ${line}: exit ${output.code}: ${output.text}`);
  return `once ${expect ?? ''}`.trim();
}

/** Where it answers what a block starts. */
const portOf = (text: string): (typeof PORTS)[number] =>
  /\bserve\b/.test(text) ? '8400' : /\bsidecar\b/.test(text) ? '9400' : '3000';

function bash(
  text: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve) => {
    execFile('bash', ['-c', `set -e\n${text}`], { cwd, env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, text: stdout + stderr });
    });
  });
}

async function untilOpen(port: number, line: number): Promise<void> {
  const until = Date.now() + 30_000;
  while (Date.now() < until) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`line ${line}: nothing listens on port ${port}`);
}

function stopGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error; // gone already
  }
}
