import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';

/** Whether nginx, Flask and PyJWT are here; on Debian as root they are installed, unless LATCHKEY_TEST_APT=0. */
export function hasPrograms(): boolean {
  if (isThere()) return true;
  const mayInstall =
    process.getuid?.() === 0 && process.env.LATCHKEY_TEST_APT !== '0' && existsSync('/usr/bin/apt-get');
  if (mayInstall) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { stdio: 'ignore', env, timeout: 300_000 } as const;
    const packages = ['nginx-light', 'python3-flask', 'python3-jwt', 'python3-cryptography'];
    process.stderr.write(
      'latchkey: installing nginx, Flask and PyJWT for the examples (LATCHKEY_TEST_APT=0 leaves them out)\n',
    );
    const patiently = ['-o', 'DPkg::Lock::Timeout=240']; // another test may be installing its own
    spawnSync('apt-get', ['update', '-qq', ...patiently], options);
    spawnSync('apt-get', ['install', '-y', ...patiently, '-qq', '--no-install-recommends', ...packages], options);
  }
  if (isThere()) return true;
  process.stderr.write('latchkey: no root, nginx, Flask or PyJWT here, so the examples of proxies are left out\n');
  return false;
}

export const NGINX = '/usr/sbin/nginx';
export const PYTHON = '/usr/bin/python3';
/** nginx keeps its files where only root may write. */
const isThere = (): boolean =>
  process.getuid?.() === 0 &&
  existsSync(NGINX) &&
  spawnSync(PYTHON, ['-c', 'import flask, jwt, cryptography'], { stdio: 'ignore' }).status === 0;

/** A program that runs until it is stopped. */
export interface Program {
  stop(): Promise<void>;
}

/** Starts a program and waits until its port answers. */
export async function startProgram(
  command: string,
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 300 || child.exitCode !== null) throw new Error(`${command} does not answer\n${said}`);
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
