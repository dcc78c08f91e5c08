import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const TOOL = 'strace';
const has = (command: string): boolean => spawnSync(command, ['-V'], { stdio: 'ignore' }).status === 0;

const isRootOnDebian = (): boolean => process.getuid?.() === 0 && existsSync('/etc/debian_version');

/** Whether a process may be traced here: containers can forbid it. */
const mayTrace = (): boolean => spawnSync(TOOL, ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;

function install(): void {
  console.warn(`${TOOL} is not here: installing it with apt-get (LATCHKEY_TEST_APT=0 turns this off)`);
  const apt = (...args: readonly string[]) =>
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  apt('update', '-qq');
  apt('install', '-y', '-qq', '--no-install-recommends', TOOL);
}

/**
 * Finds strace, and on Debian as root installs it when it is missing. Returns why there can be no trace; on a root
 * Debian in CI that is an error, so that nobody takes a trace that was left out for one that passed.
 */
export function whyNoTrace(): string | undefined {
  if (process.platform !== 'linux') return `a trace of system calls needs Linux and ${TOOL}`;
  if (!has(TOOL) && isRootOnDebian() && process.env.LATCHKEY_TEST_APT !== '0') install();
  const why = !has(TOOL) ? `${TOOL} is not here` : mayTrace() ? undefined : `${TOOL} may not trace processes here`;
  if (why !== undefined && process.env.CI !== undefined && isRootOnDebian()) throw new Error(why);
  return why;
}

/** One system call that has returned, in the order of their return. */
export interface SystemCall {
  readonly name: string;
  /** What the descriptor is: a path, or `socket:[…]`. */
  readonly file: string;
  readonly text: string;
  readonly result: number;
}

const CALL = /^(\d+) +(\w+)\((.*)$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = ' <unfinished ...>';

/**
 * Reads what `strace -f -y` wrote. A call that another thread interrupted stands where it returned, but a write to a
 * socket stands where it began: from then on the other side may have read it.
 */
export function readTrace(trace: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const begun = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const resumed = RESUMED.exec(line);
    if (resumed !== null) {
      const [, pid = '', name = '', rest = ''] = resumed;
      calls.push(callOf(name, (begun.get(pid) ?? '') + rest));
      begun.delete(pid);
      continue;
    }
    const [, pid, name, rest] = CALL.exec(line) ?? [];
    if (pid === undefined || name === undefined || rest === undefined) continue;
    if (!rest.endsWith(UNFINISHED)) calls.push(callOf(name, rest));
    else if (/^(write|writev|sendto|sendmsg)$/.test(name)) calls.push(callOf(name, rest));
    else begun.set(pid, rest.slice(0, -UNFINISHED.length));
  }
  return calls;
}

function callOf(name: string, text: string): SystemCall {
  return {
    name,
    file: /^\d+<([^>]*)>/.exec(text)?.[1] ?? '',
    text,
    result: Number(/\) += (-?\d+)[^=]*$/.exec(text)?.[1] ?? Number.NaN),
  };
}
