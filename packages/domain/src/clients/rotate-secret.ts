import { LIMITS } from '@latchkey/protocol/limits';
import { type ClientId, type EpochMilliseconds, later, type ResourceId } from '@latchkey/protocol/types';
import { type Administrator, mayGive } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { ClientReader, Moment } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import { type Client, isPublic, type OwnerSecret } from './client.ts';
import type { Resource } from './resource.ts';
import { isSecretLive, type NewSecret, storedSecret } from './secret.ts';

export interface RotateSecretCommand {
  readonly administrator: Administrator;
  readonly owner: ClientId | ResourceId;
  readonly secret: NewSecret;
  /** How long what it replaces stays good: time to bring the new secret to where it is used. */
  readonly overlapSeconds: number;
  /** The audience of the admin API. */
  readonly adminApi: string;
}

/** The secrets of a client or of a resource server, and whose they are. */
export interface RotateSecretFacts {
  readonly owner:
    | { readonly kind: 'client'; readonly client: Client }
    | { readonly kind: 'resource'; readonly resource: Resource }
    | undefined;
  readonly secrets: readonly OwnerSecret[];
}

/** Loads the secrets of a client. */
export async function loadClientSecrets(
  read: Pick<ClientReader, 'client' | 'secrets'>,
  id: ClientId,
): Promise<RotateSecretFacts> {
  const client = await read.client(id);
  if (client === undefined) return { owner: undefined, secrets: [] };
  return { owner: { kind: 'client', client }, secrets: await read.secrets(id) };
}

/** Loads the secrets of a resource server. */
export async function loadResourceSecrets(
  read: Pick<ClientReader, 'resourceById' | 'secrets'>,
  id: ResourceId,
): Promise<RotateSecretFacts> {
  const resource = await read.resourceById(id);
  if (resource === undefined) return { owner: undefined, secrets: [] };
  return { owner: { kind: 'resource', resource }, secrets: await read.secrets(id) };
}

/** What came of a rotation: when the last of the old secrets stops to work. */
export interface RotatedSecret {
  readonly oldSecretsEndAt: EpochMilliseconds;
}

/**
 * Decides that a new secret takes the place of all others, which stay good for as long as was asked and never longer
 * than before. Whoever has the secret of a client is that client: so nobody replaces the secret of one that may do more
 * in the admin API than they may themselves.
 *
 * @returns `not_found`, `client_without_secret`, `built_in`, `scope_insufficient`, `limit_reached`
 */
export function decideRotateSecret(
  { owner, secrets }: RotateSecretFacts,
  command: RotateSecretCommand,
  { now }: Moment,
): Decision<RotatedSecret> {
  if (owner === undefined) return refuse('not_found');
  if (owner.kind === 'resource' && owner.resource.builtIn) return refuse('built_in');
  if (owner.kind === 'client') {
    const { client } = owner;
    if (client.deletedAt !== undefined) return refuse('not_found');
    if (isPublic(client)) return refuse('client_without_secret');
    const administrates = client.resources.some((identifier) => identifier === command.adminApi);
    if (administrates && !mayGive(command.administrator, client.scope)) return refuse('scope_insufficient');
  }
  const live = secrets.filter((secret) => isSecretLive(secret, now));
  const end = later(now, command.overlapSeconds * 1000);
  const staying = end > now ? live : [];
  if (staying.length >= LIMITS.secretsPerOwnerMax) return refuse('limit_reached');

  return allow({ oldSecretsEndAt: end }, [
    ...secrets.filter((secret) => !staying.includes(secret)).map(({ id }): Write => ({ kind: 'secret.remove', id })),
    ...staying
      .filter(({ expiresAt }) => expiresAt === undefined || expiresAt > end)
      .map(({ id }): Write => ({ kind: 'secret.expire', id, at: end })),
    { kind: 'secret.add', secret: storedSecret(command.owner, command.secret, now) },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: owner.kind === 'client' ? 'client.secret_rotated' : 'resource.secret_rotated',
        actor: command.administrator.id,
        subject: { [owner.kind]: command.owner, secret: command.secret.id },
        detail: { overlap_seconds: command.overlapSeconds },
      },
    },
  ]);
}
