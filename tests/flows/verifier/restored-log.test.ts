import { makeId } from '@latchkey/protocol/ids';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { expect, test } from 'vitest';

/** Writes an event to the log, as a decision does. */
async function emit({ server }: TestServer): Promise<string> {
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

/** The first text of a stream: what was missed, and a heartbeat. */
async function beginning(at: TestServer, cursor: string): Promise<string> {
  const answer = await at.fetch('/revocations', { headers: { accept: 'text/event-stream', 'last-event-id': cursor } });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return first?.value ?? '';
}

test('numbers of another history of the log tell nothing: a reader of one gets everything, from page and stream', async () => {
  const at = await startTestServer();
  try {
    const events = [await emit(at), await emit(at), await emit(at)];
    const { epoch, seq } = (await at.server.store.read.moment()).position;
    const missed = async (cursor: string) => {
      const page = await (await at.fetch('/revocations', { headers: { 'last-event-id': cursor } })).json();
      const ids: readonly string[] = page.events.map(({ id }: { id: string }) => id);
      const text = await beginning(at, cursor);
      return [ids, events.filter((id) => text.includes(id))];
    };
    // of this history: what came after
    expect(await missed(`${epoch}:${seq - 1}`)).toEqual([events.slice(2), events.slice(2)]);
    // of the one before a restore, which had come further than this one has
    for (const before of [seq - 1, seq, seq + 1])
      expect(await missed(`${epoch - 1}:${before}`)).toEqual([events, events]);
    // that is no evidence of an older database: the epoch stays
    expect((await at.server.store.read.moment()).position).toEqual({ epoch, seq });
  } finally {
    await at.close();
  }
});
