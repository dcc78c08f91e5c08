import type { Resource } from '../clients/resource.ts';
import { type AddedClaims, addedClaims, type ClaimSources } from '../tokens/added-claims.ts';
import type { ApiKey } from './api-key.ts';

/**
 * What is said of a key, by introspection and in tokens that are made of it, beyond the standards' claims: what its owner
 * has at the resource now. The organisation is the key's own, where it has one.
 */
export function apiKeyAddedClaims({ tenant }: ApiKey, resource: Resource, sources: ClaimSources): AddedClaims {
  const added = addedClaims(resource, sources);
  return { ...added, tenant: tenant ?? added.tenant };
}
