import type { Role } from '../accounts/account.ts';
import type { AccountMetadata } from '../accounts/metadata.ts';
import { isProtocolClaim, mayCarry } from '../clients/claim-names.ts';
import type { Resource } from '../clients/resource.ts';

/** What a token says of authority and of its account, beyond who it is and how they signed in. */
export interface AddedClaims {
  readonly roles: readonly string[];
  /** What its roles add up to at the resource. */
  readonly permissions: readonly string[];
  /** The organisation of the account, if it has one: `org_id`. */
  readonly tenant: string | undefined;
  /** Claims whose names are neither the standards' nor ours. */
  readonly custom: CustomClaims;
}

export type CustomClaims = Readonly<Record<string, unknown>>;

/** What the deployment's own hook said of a token before it was decided. Looked at by `hookProblem`. */
export interface HookClaims {
  readonly add: CustomClaims;
  readonly remove: readonly string[];
}

/** From what a token's claims are made; a machine's token has no roles and no metadata. */
export interface ClaimSources {
  readonly roles: readonly Pick<Role, 'role'>[];
  readonly metadata: AccountMetadata | undefined;
  readonly hook: HookClaims | undefined;
}

/**
 * What a token for a resource says beyond the standards' claims, of rows that were read in the transaction of its
 * decision. The hook may have been asked a moment before: it adds and removes claims of its own, and the resource as it
 * is now says which of them may stand in its tokens.
 *
 * @spec RFC 9068 §2.2.3.1 (`roles`), §6 (privacy)
 */
export function addedClaims(resource: Resource, { roles, metadata, hook }: ClaimSources): AddedClaims {
  return {
    roles: roles.map(({ role }) => role),
    permissions: permissionsOf(resource.permissions, roles),
    tenant: metadata?.tenant,
    custom: customClaims(resource, metadata?.values ?? {}, hook ?? NO_HOOK),
  };
}

const NO_HOOK: HookClaims = { add: {}, remove: [] };

/** What the roles give, each once and in one order. */
function permissionsOf(permissions: Resource['permissions'], roles: ClaimSources['roles']): readonly string[] {
  const known = new Map(Object.entries(permissions));
  const given = roles.flatMap(({ role }) => known.get(role) ?? []);
  return [...new Set(given)].sort();
}

function customClaims(
  resource: Resource,
  values: AccountMetadata['values'],
  { add, remove }: HookClaims,
): CustomClaims {
  const mapped = resource.claims
    .filter(({ claim, from }) => Object.hasOwn(values, from) && mayCarry(resource, from) && !remove.includes(claim))
    .map(({ claim, from }): readonly [string, unknown] => [claim, values[from]]);
  const all = Object.entries({ ...Object.fromEntries(mapped), ...add });
  return Object.fromEntries(all.filter(([claim]) => !isProtocolClaim(claim) && mayCarry(resource, claim)));
}
