import { LIMITS } from '@latchkey/protocol/limits';
import type { ResourceId } from '@latchkey/protocol/types';
import { isClaimName, isProtocolClaim, mayCarry } from '../clients/claim-names.ts';
import type { Resource } from '../clients/resource.ts';
import { type Decision, refuse } from '../decision.ts';
import type { TokenGrant } from './access-grant.ts';
import type { HookClaims } from './added-claims.ts';

/** What a hook must not say, if it does: with the name of the claim, or that there are too many. */
export function hookProblem(resource: Resource, { add, remove }: HookClaims): string | undefined {
  const names = [...Object.keys(add), ...remove];
  if (names.length > LIMITS.hookClaimsMax) return 'too many claims';
  const odd = names.find((name) => !isClaimName(name));
  if (odd !== undefined) return 'a claim without a valid name';
  const fixed = names.find(isProtocolClaim);
  if (fixed !== undefined) return `${fixed}: its meaning is fixed`;
  const sensitive = Object.keys(add).find((name) => !mayCarry(resource, name));
  return sensitive === undefined ? undefined : `${sensitive}: it is a secret or personal`;
}

/**
 * Holds a decision to what its hook was asked about: tokens of a resource about which it was not asked are not issued.
 * What was rehearsed may have changed since. Built-in resources have no hook: whoever is to mend it must get in.
 */
export function heldToHook(decision: Decision<TokenGrant>, asked: ResourceId | undefined): Decision<TokenGrant> {
  const { outcome } = decision;
  if (!outcome.ok) return decision;
  const { resource } = outcome.value.access;
  return resource.builtIn || resource.id === asked ? decision : refuse('claim_hook_failed');
}
