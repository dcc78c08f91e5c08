import { apiKeyAddedClaims } from '@latchkey/domain/api-keys/added-claims';
import { apiKeyTerms } from '@latchkey/domain/api-keys/terms';
import type { ActiveIntrospection } from '@latchkey/protocol/claims';
import { formatPosition } from '@latchkey/protocol/position';
import { fail, ok } from '@latchkey/protocol/result';
import { formatScope, intersect } from '@latchkey/protocol/scope';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { termsFor } from '../../api-keys/terms-for.ts';
import { proveApiKey } from '../api-key.ts';
import type { ProveCredential } from '../credential-kind.ts';

/**
 * An API key: what it allows now, with the roles that its owner has now, and the terms by which a verifier decides about
 * it without asking again. What is told stands at this place in the log, so that whatever ends or changes the key from
 * here on reaches what a verifier keeps. A use is taken last of all: what is refused for another reason costs nothing.
 *
 * @returns what proving refuses, `api_key_of_other_resource`, `api_key_rate_limited`, `api_key_quota_exhausted`
 */
export const proveApiKeyFor: ProveCredential = async (text, resource, server, context) => {
  const { read } = server.store;
  const moment = await read.moment();
  const proved = await proveApiKey(text, read, moment);
  if (!proved.ok) return proved;
  const { key, account, goodUntil } = proved.value;
  if (key.resource !== resource.identifier) return fail('api_key_of_other_resource');
  const { roles, permissions, tenant } = apiKeyAddedClaims(key, resource, {
    roles: account === undefined ? [] : await read.roles(account.id, resource.identifier),
    metadata: account === undefined ? undefined : await read.metadata(account.id),
    hook: undefined,
  });
  const scope = intersect(key.scope, resource.scope);
  const allowed: ActiveIntrospection = {
    active: true,
    token_type: 'Bearer',
    iss: server.settings.issuer,
    sub: key.owner,
    client_id: account === undefined ? key.owner : key.id,
    aud: resource.audience,
    jti: key.id,
    api_key: key.id,
    iat: seconds(key.createdAt),
    exp: Math.ceil(goodUntil / 1000) as EpochSeconds,
    pos: formatPosition(moment.position),
    ...(scope.length === 0 ? {} : { scope: formatScope(scope) }),
    ...(roles.length === 0 ? {} : { roles }),
    ...(permissions.length === 0 ? {} : { permissions }),
    ...(tenant === undefined ? {} : { org_id: tenant }),
    terms: apiKeyTerms(key),
  };
  const refused = context.admits?.(allowed);
  if (refused !== undefined) {
    server.usage.count({ apiKey: key.id, resourceId: resource.id, isAllowed: false });
    return fail({ error: refused, about: { api_key: key.id } });
  }
  const terms = await termsFor(key, resource, server, context);
  return terms.ok ? ok({ ...allowed, terms: terms.value }) : terms;
};
