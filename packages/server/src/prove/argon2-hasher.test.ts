import { afterEach, expect, test, vi } from 'vitest';
import { ARGON2_COST, createArgon2Hasher } from './argon2-hasher.ts';

/** Hashes under way, each with the way to let it end. */
const running = vi.hoisted(() => [] as { readonly password: string; end(error?: Error): void }[]);
vi.mock('@node-rs/argon2', () => ({
  hash: (password: string) =>
    new Promise<string>((resolve, reject) => {
      running.push({
        password,
        end: (error) => (error === undefined ? resolve(`$argon2id$${password}`) : reject(error)),
      });
    }),
  verify: () => Promise.resolve(false),
}));
afterEach(() => running.splice(0));

const turn = () => new Promise(setImmediate);
const passwords = () => running.map(({ password }) => password);

function hasher(concurrency: number, queueMax: number) {
  const queue: number[] = [];
  const { hash } = createArgon2Hasher({
    cost: ARGON2_COST,
    concurrency,
    queueMax,
    onQueue: (waiting) => void queue.push(waiting),
  });
  return { hash, queue };
}

test.each([1, 2, 3])(
  'PWD-07: never more than %i hashes at a time, in the order in which they came',
  async (concurrency) => {
    const { hash } = hasher(concurrency, 10);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const all = names.map((name) => hash(name));
    for (let ended = 0; ended < names.length; ended++) {
      await turn();
      expect(passwords()).toEqual(names.slice(ended, ended + concurrency));
      running.shift()?.end();
    }
    expect(await Promise.all(all)).toEqual(names.map((name) => ({ ok: true, value: `$argon2id$${name}` })));
  },
);

test('PWD-07: one that finds no place is refused at once, and the queue is told', async () => {
  const { hash, queue } = hasher(1, 2);
  const all = [hash('a'), hash('b'), hash('c')];
  expect(await hash('d')).toEqual({ ok: false, error: 'overloaded' });
  expect(queue).toEqual([1, 2]);
  for (let left = all.length; left > 0; left--) {
    await turn();
    running.shift()?.end();
  }
  await Promise.all(all);
  expect(queue).toEqual([1, 2, 1, 0, 0]);
  const next = hash('e');
  await turn();
  running.shift()?.end();
  expect(await next).toEqual({ ok: true, value: '$argon2id$e' });
});

test('PWD-07: a hash that fails gives its place to the next', async () => {
  const { hash } = hasher(1, 1);
  const [first, second] = [hash('a'), hash('b')];
  await turn();
  running.shift()?.end(new Error('no memory'));
  await expect(first).rejects.toThrow('no memory');
  await turn();
  expect(passwords()).toEqual(['b']);
  running.shift()?.end();
  expect((await second).ok).toBe(true);
});
