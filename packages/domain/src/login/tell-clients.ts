import type { SessionId } from '@latchkey/protocol/types';
import type { Client } from '../clients/client.ts';
import { allow, type Decision } from '../decision.ts';
import type { ClientReader, FamilyReader, Moment } from '../ports/reader.ts';
import { sidOf, subjectOf, type TokenFamily } from '../tokens/family.ts';
import type { Write } from '../write.ts';

/** Names the message that tells one client of the end of a session. */
export const BACKCHANNEL_LOGOUT = 'backchannel_logout';

/** What such a message holds: whom to tell, and of whom. The token is made when it is sent. */
export interface BackchannelLogout {
  readonly client: Client['id'];
  readonly subject: string;
  readonly session: string;
}

export interface TellClientsCommand {
  /** The number of the message that the session has ended. */
  readonly message: number;
  readonly session: SessionId;
}

/** The clients that a session signed in to, each with its newest family. */
export type TellClientsFacts = readonly { readonly client: Client | undefined; readonly family: TokenFamily }[];

/** Loads what `decideTellClients` looks at. */
export async function loadTellClients(
  read: Pick<FamilyReader, 'familiesOfSession'> & Pick<ClientReader, 'client'>,
  { session }: TellClientsCommand,
): Promise<TellClientsFacts> {
  const families = await read.familiesOfSession(session);
  return Promise.all(families.map(async (family) => ({ family, client: await read.client(family.clientId) })));
}

/**
 * Decides who is told that a session has ended: each client once that the session signed in to and that wants to hear of
 * it. These messages take the place of the one about the session, so that none is lost or made twice.
 *
 * @spec OIDC Back-Channel Logout §2.3, §2.5 (LOGO-04)
 */
export const decideTellClients = (
  facts: TellClientsFacts,
  { message, session }: TellClientsCommand,
  { now }: Moment,
): Decision<undefined> =>
  allow(undefined, [
    { kind: 'outbox.delivered', id: message },
    ...facts.flatMap(({ client, family }) => {
      if (client === undefined || !wantsLogouts(client)) return [];
      const body = { client: client.id, subject: subjectOf(family), session: sidOf(family) ?? session };
      return [tell(body, now)];
    }),
  ]);

const tell = (body: BackchannelLogout, at: Moment['now']): Write => ({
  kind: 'outbox.enqueue',
  message: { topic: BACKCHANNEL_LOGOUT, body: { ...body }, at },
});

/** Whether a client is to be told of logouts: it is there, and has said where. */
export const wantsLogouts = (client: Client): client is Client & { readonly backchannelLogoutUri: string } =>
  client.deletedAt === undefined && client.backchannelLogoutUri !== undefined;
