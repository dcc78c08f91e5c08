import type { ServerNode } from './node.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** An answer that arrived, read. */
export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Cookies by name, as a browser would keep them. */
  readonly cookies: Readonly<Record<string, string>>;
  /** Where a browser is sent. */
  readonly location: string | undefined;
  /** The page, if it is one. */
  readonly page: string;
}

/** What a watcher hears of one request on its way. */
export interface Watch {
  arrived?(): void;
  decided?: Parameters<ServerNode['handle']>[1];
  /** The answer leaves the server: from here on it counts as told, though it may be lost on its way. */
  left?(reply: Reply): void;
}

/** The way between clients and the node: slow now and then, and what travels on it may be lost. */
export interface Network {
  /** Asks the node, and waits for the answer for a while; undefined when there is none. */
  ask(request: Request, watch?: Watch): Promise<Reply | undefined>;
  transit(): number;
  isLost(): boolean;
}

/** A client waits so long for an answer, in milliseconds. */
export const PATIENCE = 1_500;
const SLOW = { chance: 0.1, milliseconds: 800 } as const;

export function createNetwork(scheduler: Scheduler, random: Random, node: () => ServerNode, lossy: number): Network {
  const transit = () => 1 + random.below(random.chance(SLOW.chance) ? SLOW.milliseconds : 20);
  const isLost = () => random.chance(lossy);

  async function travel(request: Request, watch: Watch): Promise<Reply | undefined> {
    const isRequestLost = isLost();
    await scheduler.sleep(transit());
    if (isRequestLost) return new Promise(() => {});
    watch.arrived?.();
    const response = await node().handle(request, watch.decided);
    if (response === undefined) return new Promise(() => {});
    const reply = await readReply(response);
    watch.left?.(reply);
    const isAnswerLost = isLost();
    await scheduler.sleep(transit());
    return isAnswerLost ? new Promise(() => {}) : reply;
  }

  return {
    ask(request, watch = {}) {
      return new Promise((resolve, reject) => {
        const stop = scheduler.after(PATIENCE, () => resolve(undefined));
        travel(request, watch).then((reply) => {
          stop();
          resolve(reply);
        }, reject);
      });
    },
    transit,
    isLost,
  };
}

export async function readReply(response: Response): Promise<Reply> {
  const text = await response.text();
  const cookies = Object.fromEntries(
    response.headers.getSetCookie().map((line) => {
      const [pair = ''] = line.split(';');
      return [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    }),
  );
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    body: isJson && text !== '' ? JSON.parse(text) : {},
    cookies,
    location: response.headers.get('location') ?? undefined,
    page: isJson ? '' : text,
  };
}
