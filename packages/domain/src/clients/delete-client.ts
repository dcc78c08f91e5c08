import { COMMAND_LINE } from '@latchkey/protocol/command-line';
import { DURATIONS } from '@latchkey/protocol/limits';
import { type ClientId, type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { type Administrator, mayGive } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { ClientReader, Moment } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import type { Client, OwnerSecret } from './client.ts';

export interface DeleteClientCommand {
  readonly administrator: Administrator;
  readonly id: ClientId;
  /** The audience of the admin API. */
  readonly adminApi: string;
}

export interface DeleteClientFacts {
  readonly client: Client | undefined;
  readonly secrets: readonly OwnerSecret[];
}

/** Loads what `decideDeleteClient` looks at. */
export const loadDeleteClient = async (
  read: Pick<ClientReader, 'client' | 'secrets'>,
  { id }: Pick<DeleteClientCommand, 'id'>,
): Promise<DeleteClientFacts> => ({ client: await read.client(id), secrets: await read.secrets(id) });

/**
 * Decides that a client goes: its secrets are removed, and one cut-off ends every token and family that it was issued,
 * at verifiers and here. Its row stays, so that its id is never given again and refusals can be explained. Nobody deletes
 * one that may do more in the admin API than they may themselves.
 *
 * @returns `not_found`, `built_in` for the client of our own command line, `scope_insufficient`
 */
export function decideDeleteClient(
  { client, secrets }: DeleteClientFacts,
  { administrator, adminApi }: DeleteClientCommand,
  { now }: Moment,
): Decision<Client> {
  if (client === undefined || client.deletedAt !== undefined) return refuse('not_found');
  if (client.id === COMMAND_LINE.clientId) return refuse('built_in');
  const administrates = client.resources.some((identifier) => identifier === adminApi);
  if (administrates && !mayGive(administrator, client.scope)) return refuse('scope_insufficient');
  const exp = (seconds(now) + DURATIONS.eventRetention) as EpochSeconds;
  return allow({ ...client, deletedAt: now }, [
    { kind: 'client.delete', id: client.id, at: now },
    ...secrets.map(({ id }): Write => ({ kind: 'secret.remove', id })),
    { kind: 'revocation.emit', event: { kind: 'client', id: client.id, exp } },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'client.deleted',
        actor: administrator.id,
        subject: { client: client.id },
        detail: { name: client.name },
      },
    },
  ]);
}
