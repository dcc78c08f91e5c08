import type { AuthorizationRequest } from '@latchkey/protocol/authorization-request';
import { isAssuredRedirect } from '@latchkey/protocol/redirect-uri';
import { isSubset, type Scope } from '@latchkey/protocol/scope';
import type { AccountId, ClientId, EpochMilliseconds, ResourceIdentifier } from '@latchkey/protocol/types';
import { type Client, isPublic } from '../clients/client.ts';

/** What a person allowed a client. It is remembered until the person withdraws it. */
export interface Consent {
  readonly accountId: AccountId;
  readonly clientId: ClientId;
  readonly scope: Scope;
  readonly resources: readonly ResourceIdentifier[];
  readonly givenAt: EpochMilliseconds;
}

/** What a request comes down to: the scopes and resources that a code for it would stand for. */
export interface Asked {
  readonly scope: Scope;
  readonly resources: readonly ResourceIdentifier[];
  /** The claims that are asked for one by one, to stand in the ID token; each of a scope that is asked for, too. */
  readonly idTokenClaims: readonly string[];
}

/** True when a remembered consent holds all that is asked for. */
export const covers = (
  consent: Consent | undefined,
  { scope, resources }: Pick<Asked, 'scope' | 'resources'>,
): boolean => consent !== undefined && isSubset(scope, consent.scope) && isSubset(resources, consent.resources);

/** True when nothing but a person's consent lets this client have what it asks for: it is not the deployment's own. */
export const dependsOnConsent = (client: Client): boolean => !client.firstParty;

/**
 * Says whether the consent page must be shown. A public client whose redirect URI anybody on the device can claim is
 * asked about each time, even the deployment's own: nothing else says that it is the one that it claims to be.
 *
 * @spec RFC 8252 §8.6, OAuth 2.1 client impersonation (AUT-11); OIDC Core §3.1.2.1 (`prompt=consent`)
 */
export function needsConsent(
  client: Client,
  request: AuthorizationRequest,
  asked: Asked,
  consent: Consent | undefined,
): boolean {
  if (request.prompt.includes('consent')) return true;
  if (isPublic(client) && !isAssuredRedirect(request.redirectUri)) return true;
  return dependsOnConsent(client) && !covers(consent, asked);
}

/**
 * The consent after a person allowed what is asked for. Scopes are added up for the same resources only: what was allowed
 * at one API must never come to count at another, where the same word may mean more. What does not go together with the
 * new is asked about again.
 */
export function extended(before: Consent | undefined, added: Consent): Consent {
  const isSame =
    before !== undefined && [before, added].every((one) => one.resources.length === before.resources.length);
  if (!isSame || !isSubset(added.resources, before.resources)) return added;
  return { ...added, scope: [...new Set([...before.scope, ...added.scope])] };
}
