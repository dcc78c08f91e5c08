import { decideTellClients, loadTellClients } from '@latchkey/domain/login/tell-clients';
import type { OutboxRow } from '@latchkey/domain/write';
import type { SessionId } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';

/** Puts in the place of the message that a session has ended one for each client that wants to hear of it. */
export async function replaceSessionEnded({ id, body }: OutboxRow, server: Server): Promise<void> {
  const command = { message: id, session: body.session as SessionId }; // written by `sessionEnded` and nobody else
  await server.commit(
    (read) => loadTellClients(read, command),
    (facts, moment) => decideTellClients(facts, command, moment),
  );
}
