import type { Decision } from '../decision.ts';
import { decideRotateSharedSecret, type RotateSharedSecretCommand } from '../keys/rotate-shared-secret.ts';
import { type SharedSecret, signingSecret } from '../keys/shared-secret.ts';
import type { Moment } from '../ports/reader.ts';
import type { Resource } from './resource.ts';

/**
 * Adds to a decision about a resource its first shared secret, where its tokens are to be signed under one and there is
 * none: no token can be asked for in between.
 */
export function withFirstSecret(
  decision: Decision<Resource>,
  secrets: readonly SharedSecret[],
  command: Pick<RotateSharedSecretCommand, 'administrator' | 'candidate'>,
  moment: Moment,
): Decision<Resource> {
  const { outcome } = decision;
  if (!outcome.ok || outcome.value.algorithm !== 'HS256') return decision;
  if (signingSecret(secrets, moment.now) !== undefined) return decision;
  const facts = { resource: outcome.value, secrets };
  const first = { ...command, resourceId: outcome.value.id, delaySeconds: 0, revokesOthers: false };
  const added = decideRotateSharedSecret(facts, first, moment);
  return added.outcome.ok
    ? { ...decision, writes: [...decision.writes, ...added.writes] }
    : { ...decision, ...added, outcome: added.outcome };
}
