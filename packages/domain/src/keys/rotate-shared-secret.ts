import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { type EpochMilliseconds, later, type ResourceId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import { eventExpiry } from '../tokens/event-expiry.ts';
import type { Write } from '../write.ts';
import { type SharedSecret, verifyingSecrets } from './shared-secret.ts';

export interface RotateSharedSecretCommand {
  readonly administrator: Administrator;
  readonly resourceId: ResourceId;
  /** A new secret, made and sealed beforehand. */
  readonly candidate: Pick<SharedSecret, 'kid' | 'sealed'>;
  /** For how long the old secret signs on: time to bring the new one to the API. */
  readonly delaySeconds: number;
  /** Somebody else may have the old ones: they are refused everywhere from now on. */
  readonly revokesOthers: boolean;
}

export interface RotateSharedSecretFacts {
  readonly resource: Resource | undefined;
  readonly secrets: readonly SharedSecret[];
}

export const loadSharedSecrets = async (
  read: Pick<Reader, 'resourceById' | 'sharedSecrets'>,
  { resourceId }: Pick<RotateSharedSecretCommand, 'resourceId'>,
): Promise<RotateSharedSecretFacts> => ({
  resource: await read.resourceById(resourceId),
  secrets: (await read.sharedSecrets()).filter((secret) => secret.resourceId === resourceId),
});

/**
 * Decides that a new secret takes the place of all others of a resource. It signs when its delay is over, and at once
 * where nothing else does; what it replaces verifies until the last token under it has expired.
 *
 * @returns `not_found`, `built_in`, `limit_reached`
 */
export function decideRotateSharedSecret(
  { resource, secrets }: RotateSharedSecretFacts,
  command: RotateSharedSecretCommand,
  { now }: Moment,
): Decision<SharedSecret> {
  if (resource === undefined) return refuse('not_found');
  if (resource.builtIn) return refuse('built_in');
  const live = verifyingSecrets(secrets, now);
  const staying = command.revokesOthers ? [] : live;
  if (staying.length >= LIMITS.sharedSecretsPerResourceMax) return refuse('limit_reached');
  const activeAt = staying.length === 0 ? now : later(now, command.delaySeconds * 1000);
  const secret: SharedSecret = {
    ...command.candidate,
    resourceId: resource.id,
    createdAt: now,
    activeAt,
    retiresAt: undefined,
  };
  const retiresAt = later(activeAt, DURATIONS.eventRetention * 1000);
  return allow(secret, [
    ...secrets.filter((one) => !staying.includes(one)).map(({ kid }): Write => ({ kind: 'shared_secret.remove', kid })),
    ...(command.revokesOthers ? live.map(({ kid }) => revoked(kid, now)) : []),
    ...staying
      .filter((one) => one.retiresAt === undefined)
      .map(({ kid }): Write => ({ kind: 'shared_secret.retire', kid, at: retiresAt })),
    { kind: 'shared_secret.create', secret },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'resource.shared_secret_rotated',
        actor: command.administrator.id,
        subject: { resource: resource.id, key: secret.kid },
        detail: { delay_seconds: command.delaySeconds, revoked_others: command.revokesOthers },
      },
    },
  ]);
}

const revoked = (kid: string, now: EpochMilliseconds): Write => ({
  kind: 'revocation.emit',
  event: { kind: 'key', id: kid, exp: eventExpiry(now) },
});
