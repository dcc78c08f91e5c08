import { pathToFileURL } from 'node:url';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Timers } from '@latchkey/protocol/timers';
import { FileUnusable } from '../file-unusable.ts';
import type { HookFault, HookInput, HookSource } from './claim-hook.ts';

const MEND = 'It exports one function: export default async (input) => ({ add: { … }, remove: [ … ] })';

/**
 * A hook in a module of the deployment's own, loaded once at the start. It runs in this process: one that does not come
 * back blocks it, so that only what waits is given up.
 *
 * @throws FileUnusable
 */
export async function loadModuleSource(
  path: string,
  { milliseconds, timers }: { readonly milliseconds: number; readonly timers: Timers },
): Promise<HookSource> {
  const hook = await importDefault(path);
  return (input) =>
    new Promise((resolve) => {
      const stop = timers.inBackground(milliseconds, () => resolve(fail('timed_out')));
      void call(hook, input).then((answer) => {
        stop();
        resolve(answer);
      });
    });
}

type Hook = (input: HookInput) => unknown;

async function importDefault(path: string): Promise<Hook> {
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (error) {
    // whatever a module throws when it is loaded: its own text may say anything, so that only the kind is told
    throw new FileUnusable(`${path} cannot be loaded (${error instanceof Error ? error.name : 'no Error'})`, MEND);
  }
  const hook = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
  if (typeof hook !== 'function') throw new FileUnusable(`${path} exports no function by default`, MEND);
  return hook as Hook;
}

async function call(hook: Hook, input: HookInput): Promise<Result<string, HookFault>> {
  try {
    // a copy: what the hook does to it changes nothing here
    const said = await hook(structuredClone(input));
    const text: unknown = JSON.stringify(said ?? {});
    return typeof text === 'string' ? ok(text) : fail('malformed');
  } catch {
    // it is not our code, and what it throws may be anything, with anything in it
    return fail('threw');
  }
}
