/** Simulated time: events in order of their time, and in the order in which they were planned where times are equal. */
export interface Scheduler {
  /** True time in milliseconds since the beginning. Clocks of processes differ from it. */
  now(): number;
  /** Plans an action. Gives back the way to call it off. */
  after(milliseconds: number, action: () => void): () => void;
  /** So much time goes by at once, and nobody is awake: what is planned is still as far ahead as before. */
  leap(milliseconds: number): void;
  /** Resolves when so much time has gone by. */
  sleep(milliseconds: number): Promise<void>;
  /** Runs what is planned up to a time, leaps not counted. `check` is called after each, when all that it set off rests. */
  run(until: number, check: () => void): Promise<void>;
}

interface Planned {
  readonly at: number;
  readonly order: number;
  /** Undefined when it was called off. */
  action: (() => void) | undefined;
}

const isEarlier = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Resolves when no promise has anything left to do. Whatever waits for something else waits for an event of ours. */
const atRest = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export function createScheduler(): Scheduler {
  const heap: Planned[] = [];
  let time = 0;
  let slept = 0;
  let planned = 0;

  function push(event: Planned): void {
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isEarlier(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  function pop(): Planned | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const smaller = right !== undefined && isEarlier(right, left) ? right : left;
      if (!isEarlier(smaller, last)) break;
      heap[index] = smaller;
      index = smaller === left ? 2 * index + 1 : 2 * index + 2;
    }
    heap[index] = last;
    return first;
  }

  function after(milliseconds: number, action: () => void): () => void {
    const event: Planned = { at: time + Math.max(0, milliseconds), order: planned++, action };
    push(event);
    return () => {
      event.action = undefined;
    };
  }

  return {
    now: () => time + slept,
    after,
    leap(milliseconds) {
      slept += milliseconds;
    },
    sleep: (milliseconds) => new Promise((resolve) => void after(milliseconds, resolve)),
    async run(until, check) {
      for (let next = heap[0]; next !== undefined && next.at <= until; next = heap[0]) {
        pop();
        if (next.action === undefined) continue;
        time = next.at;
        next.action();
        await atRest();
        check();
      }
    },
  };
}
