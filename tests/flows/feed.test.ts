import type { Resource } from '@latchkey/domain/clients/resource';
import { makeId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { addResource, startTestServer, type TestServer, type WithSecret } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let at: TestServer;
let api: WithSecret<Resource>;
beforeAll(async () => {
  at = await startTestServer();
  api = await addResource(at.server);
});
afterAll(() => at.close());

/** Writes an event to the log, as a decision does. */
async function emit(server = at.server): Promise<string> {
  const id = makeId('fam', server.now(), server.entropy(10));
  const exp = (Math.floor(server.now() / 1000) + 600) as EpochSeconds;
  await server.commit(
    () => Promise.resolve(),
    () => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [{ kind: 'revocation.emit', event: { kind: 'family', id, exp } }],
    }),
  );
  return id;
}

/** Reads a stream until a text is found in what came. */
function follow(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error('no body');
  let text = '';
  return {
    async until(wanted: string): Promise<string> {
      while (!text.includes(wanted)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended before ${wanted}: ${text}`);
        text += value;
      }
      return text;
    },
    async end(): Promise<string> {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
    close: () => reader.cancel(),
  };
}

const stream = (headers: Record<string, string> = {}, server = at) =>
  server.fetch('/revocations', { headers: { accept: 'text/event-stream', authorization: api.basic, ...headers } });

test('a stream begins with what there is, then a heartbeat, then what happens, in the order of the log', async () => {
  const first = await emit();
  const follower = follow(await stream());
  const text = await follower.until('event: heartbeat');
  expect(text.indexOf(first)).toBeLessThan(text.indexOf('event: heartbeat'));
  const second = await emit();
  const third = await emit();
  const all = await follower.until(third);
  expect(all.indexOf(second)).toBeLessThan(all.indexOf(third));
  const ids = [...all.matchAll(/^id: (\d+):(\d+)$/gm)].map(([, , seq]) => Number(seq));
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  await follower.close();
});

test('a reader that comes back with its cursor gets what it missed, and nothing twice', async () => {
  const before = await emit();
  const page = await (await at.fetch('/revocations', { headers: { authorization: api.basic } })).json();
  const missed = await emit();
  const follower = follow(await stream({ 'last-event-id': page.cursor }));
  const text = await follower.until('event: heartbeat');
  expect([text.includes(before), text.includes(missed)]).toEqual([false, true]);
  await follower.close();
});

test('heartbeats go on, and tell when the log was last read', async () => {
  const follower = follow(await stream());
  await follower.until('event: heartbeat');
  const text = await follower.until('heartbeat\ndata: {"asOf":'.repeat(1));
  const began = Number(/"asOf":(\d+)/.exec(text)?.[1]);
  expect(Math.abs(Date.now() - began)).toBeLessThan(10_000);
  await follower.close();
});

test.each([
  ['no cursor at all', 'x'],
  ['no numbers', 'a:b'],
  ['too long', `${'1'.repeat(20)}:1`],
])('a cursor that is %s is refused', async (_, cursor) => {
  const answer = await stream({ 'last-event-id': cursor });
  expect([answer.status, (await answer.json()).error]).toEqual([400, 'invalid_request']);
});

test('a wrong credential is refused; none is, too, but in development mode on loopback', async () => {
  const wrong = await stream({ authorization: `Basic ${btoa(`${api.row.id}:wrong`)}` });
  expect([wrong.status, (await wrong.json()).error]).toEqual([401, 'invalid_client']);
  const open = await at.fetch('/revocations');
  expect(open.status).toBe(200);
  const production = await startTestServer({
    settings: { mode: 'production', issuer: 'https://auth.example', trustedProxies: '127.0.0.1' },
  });
  const closed = await production.fetch('/revocations');
  expect([closed.status, (await closed.json()).error]).toEqual([401, 'invalid_client']);
  await production.close();
});

test('a stream ends with the credential that opened it', async () => {
  const other = await addResource(at.server);
  const follower = follow(await stream({ authorization: other.basic }));
  await follower.until('event: heartbeat');
  const [secret] = await at.server.store.read.secrets(other.row.id);
  if (secret === undefined) throw new Error('no secret');
  await at.server.commit(
    () => Promise.resolve(),
    () => ({
      outcome: { ok: true, value: undefined },
      expects: [],
      writes: [{ kind: 'secret.remove', id: secret.id }],
    }),
  );
  await follower.end();
});

test('a reader whose cursor is ahead of the log shows an older database: a new epoch begins, with an alert, once', async () => {
  const own = await startTestServer();
  const event = await emit(own.server);
  const before = await own.server.store.read.moment();
  const ahead = `${before.position.epoch}:${before.position.seq + 5}`;
  const followers = [];
  for (let index = 0; index < 3; index++) {
    const follower = follow(
      await own.fetch('/revocations', { headers: { accept: 'text/event-stream', 'last-event-id': ahead } }),
    );
    expect(await follower.until('event: heartbeat')).toContain(event); // everything again, to be merged
    followers.push(follower);
  }
  await expect
    .poll(async () => (await own.server.store.read.moment()).position.epoch)
    .toBeGreaterThan(before.position.epoch);
  const alerts = (await own.server.store.read.audit(undefined, 100)).filter((row) => row.event === 'feed.reader_ahead');
  expect(alerts).toHaveLength(1);
  for (const follower of followers) await follower.close();
  await own.close();
});

test('streams of one credential have a limit: as many as may be, and one more', async () => {
  const other = await addResource(at.server);
  const followers = [];
  for (let index = 0; index < LIMITS.streamsPerCredentialMax; index++)
    followers.push(follow(await stream({ authorization: other.basic })));
  const refused = await stream({ authorization: other.basic });
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  await followers[0]?.close();
  const again = await stream({ authorization: other.basic });
  expect(again.status).toBe(200);
  await again.body?.cancel();
  for (const follower of followers) await follower.close();
});

test('a reader that does not read is cut off, and others are not', async () => {
  const own = await startTestServer();
  let sent = 0;
  const unsubscribe = own.server.feed.subscribe(undefined, {
    credential: undefined,
    send: () => ++sent > 0,
    end: () => {},
  });
  let isEnded = false;
  own.server.feed.subscribe(undefined, { credential: undefined, send: () => false, end: () => (isEnded = true) });
  expect(isEnded).toBe(true);
  await emit(own.server);
  await expect.poll(() => sent).toBeGreaterThan(1);
  unsubscribe?.();
  await own.close();
});
