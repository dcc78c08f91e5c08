import { StoreUnavailable } from '@latchkey/domain/ports/store';

/** What the shared commit asks of a database connection. All of it is synchronous. */
export interface CommitPort {
  begin(): void;
  commit(): void;
  rollback(): void;
  savepoint(): void;
  release(): void;
  rollbackToSavepoint(): void;
  isOpen(): boolean;
  /** What an error of the database means to whoever waits. */
  explain(error: unknown): Error;
}

/** Bounds of a batch and of the queue before it. */
export interface CommitLimits {
  readonly batchMax: number;
  readonly queueMax: number;
  /** A batch takes no further member after so long. */
  readonly batchMilliseconds: number;
  /** A member that has not finished by then, or by twice that, awaits something that it must not. */
  readonly memberMilliseconds: number;
}

export const COMMIT_LIMITS: CommitLimits = {
  batchMax: 256,
  queueMax: 10_000,
  batchMilliseconds: 50,
  memberMilliseconds: 2_000,
};

/** A member's time with the connection. Work that outlives it, which is a bug, must not touch the turn of another. */
export interface Turn {
  readonly isOver: boolean;
}

interface Member {
  /** Runs inside a savepoint; its outcome is kept back until the commit. */
  run(turn: Turn): Promise<() => void>;
  fail(error: Error): void;
}

/** Runs work in turns and commits for many at once. */
export interface GroupCommit {
  run<T>(work: (turn: Turn) => Promise<T>): Promise<T>;
  /** Resolves when no batch is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Group commit: transactions that wait share one commit, and run strictly one after another, each in a savepoint.
 *
 * No outcome leaves before the commit has returned, no refusal and no member without writes either: it may have read
 * what an earlier member wrote. After any error the outer transaction must still be open (a full disk drops the whole
 * of it); if it is not, the batch stops, and every member gets a fault. An error at the commit itself leaves the state
 * of the disk unknown: `onFault` ends the process.
 */
export function createGroupCommit(
  port: CommitPort,
  limits: CommitLimits,
  onFault: (error: Error) => void,
): GroupCommit {
  let queue: Member[] = [];
  let scheduled = false;
  let closed = false;
  let open: Promise<void> | undefined;
  let waitsFor: { readonly since: number; readonly giveUp: (error: Error) => void } | undefined;

  function schedule(): void {
    if (scheduled || queue.length === 0) return;
    scheduled = true;
    // after the requests of this turn of the loop have been read, so that all of them join
    setImmediate(() => {
      open = runBatch().finally(() => {
        open = undefined;
        scheduled = false;
        schedule();
      });
    });
  }

  async function runBatch(): Promise<void> {
    const done: { readonly member: Member; readonly deliver: () => void }[] = [];
    let running: Member | undefined;
    const began = performance.now();
    const watch = setInterval(giveUpLate, limits.memberMilliseconds);
    try {
      port.begin();
      const hasTime = () => done.length === 0 || performance.now() - began < limits.batchMilliseconds;
      while (queue.length > 0 && done.length < limits.batchMax && hasTime()) {
        running = queue.shift();
        if (running === undefined) break;
        const deliver = await runMember(running);
        if (!port.isOpen()) throw new StoreUnavailable('the transaction was dropped by the database');
        done.push({ member: running, deliver });
        running = undefined;
      }
    } catch (error) {
      if (port.isOpen()) port.rollback();
      const fault = port.explain(error);
      for (const { member } of done) member.fail(fault);
      running?.fail(fault);
      return;
    } finally {
      clearInterval(watch);
    }
    try {
      port.commit();
    } catch (error) {
      const fault = port.explain(error);
      if (port.isOpen()) port.rollback();
      for (const { member } of done) member.fail(fault);
      onFault(fault);
      return;
    }
    for (const { deliver } of done) deliver();
  }

  /** Runs one member in its savepoint. A throw of its own undoes its own writes only, and is kept back like an outcome. */
  async function runMember(member: Member): Promise<() => void> {
    port.savepoint();
    const turn = { isOver: false };
    try {
      const deliver = await inTime(member.run(turn));
      port.release();
      return deliver;
    } catch (error) {
      if (!port.isOpen()) throw error;
      port.rollbackToSavepoint();
      port.release();
      const fault = port.explain(error);
      return () => member.fail(fault);
    } finally {
      turn.isOver = true;
    }
  }

  /** One timer watches over all members of a batch, since they run one after another. */
  const inTime = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      waitsFor = { since: performance.now(), giveUp: reject };
      work.then(resolve, reject);
    });

  function giveUpLate(): void {
    if (waitsFor !== undefined && performance.now() - waitsFor.since >= limits.memberMilliseconds)
      waitsFor.giveUp(new Error('a transaction awaited something else than the store'));
  }

  return {
    run<T>(work: (turn: Turn) => Promise<T>) {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(new StoreUnavailable('the store is closed'));
        if (queue.length >= limits.queueMax) return reject(new StoreUnavailable('too many transactions wait'));
        queue.push({
          async run(turn) {
            const value = await work(turn);
            return () => resolve(value);
          },
          fail: reject,
        });
        schedule();
      });
    },
    async idle() {
      while (open !== undefined) await open;
    },
    async close() {
      closed = true;
      while (scheduled || open !== undefined) await (open ?? new Promise((resolve) => setImmediate(resolve)));
      const left = queue;
      queue = [];
      for (const member of left) member.fail(new StoreUnavailable('the store is closed'));
    },
  };
}
