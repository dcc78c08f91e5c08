import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import { claimsOf, scopesOf } from '@latchkey/protocol/claims-request';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { intersect, isIdentityScope, isSubset } from '@latchkey/protocol/scope';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import type { Client } from '../clients/client.ts';
import type { Resource } from '../clients/resource.ts';
import type { ClientReader } from '../ports/reader.ts';
import type { Asked } from './consent.ts';

/**
 * The resources of a request: those that it names; else the client's default where it asks for a scope of an API; else
 * the server itself, whose tokens the UserInfo endpoint takes.
 *
 * @spec RFC 8707 §2
 */
export function resourcesOf(
  request: AuthorizationRequest,
  client: Client,
  issuer: ResourceIdentifier,
): readonly ResourceIdentifier[] {
  if (request.resources.length > 0) return [...new Set(request.resources)];
  const [first] = client.resources;
  const isForApi = request.scope === undefined || !request.scope.every(isIdentityScope);
  return [isForApi && first !== undefined ? first : issuer];
}

/** The stored resources among those of a request. */
export async function loadResources(
  read: Pick<ClientReader, 'resource'>,
  identifiers: readonly ResourceIdentifier[],
): Promise<readonly Resource[]> {
  const found: Resource[] = [];
  for (const identifier of identifiers) {
    const resource = await read.resource(identifier);
    if (resource !== undefined) found.push(resource);
  }
  return found;
}

/**
 * Says what a request comes down to. A scope that the client may not ask for, or that none of the resources knows, is an
 * error and not left out silently. `offline_access` counts only where the person is asked, or the client is our own.
 * A claim that is asked for by its name asks for its scope, if the client may; else it is left out, as it is a wish.
 *
 * @returns `response_type_not_allowed`, `resource_unknown`, `scope_not_allowed`
 * @spec RFC 6749 §3.3; RFC 8707 §2; OIDC Core §5.5, §11 (OIDC-08)
 */
export function askedOf(
  request: AuthorizationRequest,
  client: Client,
  resources: readonly Resource[],
  issuer: ResourceIdentifier,
): Result<Asked, 'response_type_not_allowed' | 'resource_unknown' | 'scope_not_allowed'> {
  if (!client.grantTypes.includes('authorization_code')) return fail('response_type_not_allowed');
  const identifiers = resourcesOf(request, client, issuer);
  const isOpen = (identifier: ResourceIdentifier) => identifier === issuer || client.resources.includes(identifier);
  if (resources.length < identifiers.length || !identifiers.every(isOpen)) return fail('resource_unknown');

  const isKnown = (name: string) => isIdentityScope(name) || resources.some(({ scope }) => scope.includes(name));
  const scope = request.scope ?? client.scope.filter((name) => !isIdentityScope(name) && isKnown(name));
  if (!isSubset(scope, client.scope) || !scope.every(isKnown)) return fail('scope_not_allowed');
  const isOffline = client.firstParty || request.prompt.includes('consent');
  const isIdentity = scope.includes('openid');
  const claims = isIdentity ? request.claims : undefined;
  const claimed = scopesOf([...(claims?.userinfo ?? []), ...(claims?.idToken ?? [])]);
  const widened = [...new Set([...scope, ...intersect(claimed, client.scope)])];
  return ok({
    scope: isOffline ? widened : widened.filter((name) => name !== 'offline_access'),
    idTokenClaims: intersect(claims?.idToken ?? [], claimsOf(widened)),
    // who asks who the person is may ask the server for it
    resources: isIdentity && !identifiers.includes(issuer) ? [...identifiers, issuer] : identifiers,
  });
}
