import { NOW, put } from '@latchkey/testkit/conformance/conformance-case';
import * as row from '@latchkey/testkit/conformance/rows';
import { createMemoryStore } from '@latchkey/testkit/memory-store';
import { expect, test } from 'vitest';
import type { Client } from '../clients/client.ts';
import { decideTellClients, loadTellClients } from './tell-clients.ts';

const moment = { now: NOW, position: { epoch: 5, seq: 9 }, catalogue: 1 };
const session = row.idOf('ses', 1);
const command = { message: 7, session };
const told = row.client(1, { backchannelLogoutUri: 'https://app.example/logout' });
const decide = (client: Client | undefined) => decideTellClients([{ client, family: row.family(1) }], command, moment);
const removed = { kind: 'outbox.delivered', id: 7 };

test('LOGO-04 OIDC Back-Channel Logout §2.5: the client that wants to hear of it gets a message in place of the first', () => {
  expect(decide(told)).toEqual({
    outcome: { ok: true, value: undefined },
    expects: [],
    writes: [
      removed,
      {
        kind: 'outbox.enqueue',
        message: {
          topic: 'backchannel_logout',
          body: { client: told.id, subject: row.idOf('acc', 1), session },
          at: NOW,
        },
      },
    ],
  });
});

test('OIDC-03, LOGO-04: one with pairwise subjects is told its own names of person and session', () => {
  const family = row.family(1, { pairwise: { subject: 'one', sid: row.idOf('fam', 7) } });
  const { writes } = decideTellClients([{ client: told, family }], command, moment);
  expect(writes[1]).toMatchObject({
    message: { body: { client: told.id, subject: 'one', session: family.pairwise?.sid } },
  });
});

test('LOGO-04: a family of an older row names the session that has ended', () => {
  const { writes } = decideTellClients(
    [{ client: told, family: row.family(1, { beganIn: undefined, sessionId: undefined }) }],
    command,
    moment,
  );
  expect(writes[1]).toMatchObject({ message: { body: { session } } });
});

test.each([
  ['has no URI', row.client(1)],
  ['was deleted', { ...told, deletedAt: NOW }],
  ['is not known any more', undefined],
])('LOGO-04: a client that %s is told nothing', (_, client) => {
  expect(decide(client).writes).toEqual([removed]);
});

test('LOGO-04: each client of the session once, by its newest family, ended or offline though it be', async () => {
  const store = createMemoryStore({ now: () => NOW });
  const other = row.client(2);
  const offline = row.family(3, { sessionId: undefined, clientId: other.id });
  const newest = row.family(2, { ended: { at: NOW, reason: 'revoked_by_client', by: told.id } });
  const elsewhere = row.family(4, { sessionId: row.idOf('ses', 2), beganIn: row.idOf('ses', 2) });
  const older = row.family(5, { sessionId: undefined, beganIn: undefined });
  for (const client of [told, other]) await put(store, { kind: 'client.create', client });
  for (const family of [row.family(1), { ...newest, ended: undefined }, offline, elsewhere, older])
    await put(store, { kind: 'family.start', family });
  await put(store, { kind: 'family.end', id: newest.id, ended: newest.ended ?? { at: NOW, reason: 'logout', by: '' } });
  expect(await loadTellClients(store.read, command)).toEqual([
    { client: told, family: newest },
    { client: other, family: offline },
  ]);
  expect(await loadTellClients(store.read, { ...command, session: row.idOf('ses', 9) })).toEqual([]);
});
