import type { Account, Identifier } from '@latchkey/domain/accounts/account';
import type { Client, OwnerSecret } from '@latchkey/domain/clients/client';
import type { Resource } from '@latchkey/domain/clients/resource';
import { RESOURCE_ALGORITHMS, SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
import { LIMITS } from '@latchkey/protocol/limits';
import { TOKEN_EXCHANGE } from '@latchkey/protocol/token-request';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { z } from 'zod';
import { ENCRYPTION_KEY_VIEW } from './encryption-key.ts';
import { CLAIM_FIELDS, claimsView } from './resource-claims.ts';

/** How rows look in the answers of the admin API. Nothing secret is among their fields. */
export const time = z.iso.datetime().describe('RFC 3339, UTC');
export const timeOf = (at: EpochMilliseconds): string => new Date(at).toISOString();

export const AUTHENTICATION = z.enum(['none', 'client_secret_basic', 'client_secret_post']);
export const GRANT_TYPES = z
  .array(z.enum(['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE]))
  .max(4);

export const APPLICATION_TYPE = z.enum(['web', 'native']);

export const SUBJECT_TYPE = z.enum(['public', 'pairwise']);

/** One page of a list. */
export const PAGE = {
  limit: z.coerce.number().int().min(1).max(LIMITS.pageRowsMax).default(50).describe('How many, at most.'),
};

export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({
    items: z.array(item),
    next: z.string().optional().describe('What to send as `after` for the next page; absent on the last one.'),
  });

/** The next page begins after the last row of a full one. */
export const nextOf = <T>(rows: readonly T[], limit: number, key: (row: T) => string): { readonly next?: string } => {
  const last = rows.at(-1);
  return last === undefined || rows.length < limit ? {} : { next: key(last) };
};

export const SECRET_VIEW = z.object({ id: z.string(), created_at: time, expires_at: time.optional() });
export const secretView = (secret: OwnerSecret) => ({
  id: secret.id,
  created_at: timeOf(secret.createdAt),
  ...(secret.expiresAt === undefined ? {} : { expires_at: timeOf(secret.expiresAt) }),
});

export const ACCOUNT_VIEW = z.object({
  id: z.string(),
  identifiers: z.array(z.string()),
  created_at: time,
  disabled_at: time.optional(),
});
export const accountView = (account: Account, identifiers: readonly Identifier[]) => ({
  id: account.id,
  identifiers: identifiers.map(({ display }) => display),
  created_at: timeOf(account.createdAt),
  ...(account.disabledAt === undefined ? {} : { disabled_at: timeOf(account.disabledAt) }),
});

export const CLIENT_VIEW = z.object({
  client_id: z.string(),
  name: z.string(),
  authentication: AUTHENTICATION,
  first_party: z.boolean(),
  grant_types: GRANT_TYPES,
  scopes: z.array(z.string()),
  resources: z.array(z.string()),
  origins: z.array(z.string()),
  application_type: APPLICATION_TYPE,
  redirect_uris: z.array(z.string()),
  post_logout_redirect_uris: z.array(z.string()),
  backchannel_logout_uri: z.string().optional(),
  backchannel_logout_session_required: z.boolean(),
  subject_type: SUBJECT_TYPE,
  sector: z.string().optional().describe('Where people are known by the same name; of pairwise subjects only.'),
  require_pkce: z.boolean(),
  id_token_alg: z.enum(SIGNING_ALGORITHMS),
  scope_claims_in_id_token: z.boolean(),
  refresh_policy: z.enum(['rotate', 'keep']),
  overlap_ms: z.number().optional(),
  created_at: time,
});
export const clientView = (client: Client) => ({
  client_id: client.id,
  name: client.name,
  authentication: client.authentication,
  first_party: client.firstParty,
  grant_types: [...client.grantTypes],
  scopes: [...client.scope],
  resources: [...client.resources],
  origins: [...client.origins],
  application_type: client.applicationType,
  redirect_uris: [...client.redirectUris],
  post_logout_redirect_uris: [...client.postLogoutRedirectUris],
  ...(client.backchannelLogoutUri === undefined ? {} : { backchannel_logout_uri: client.backchannelLogoutUri }),
  backchannel_logout_session_required: client.backchannelLogoutSessionRequired,
  subject_type: client.sector === undefined ? ('public' as const) : ('pairwise' as const),
  ...(client.sector === undefined ? {} : { sector: client.sector }),
  require_pkce: client.requiresPkce,
  id_token_alg: client.idTokenAlgorithm,
  scope_claims_in_id_token: client.hasScopeClaimsInIdToken,
  refresh_policy: client.refreshPolicy,
  ...(client.overlapMilliseconds === undefined ? {} : { overlap_ms: client.overlapMilliseconds }),
  created_at: timeOf(client.createdAt),
});

export const TOKEN_FORMAT = z
  .enum(['jwt', 'jwe', 'opaque'])
  .describe(
    'What its access tokens are: signed and checked by its verifiers; the same and encrypted to it; or a text without meaning, asked about once.',
  );

export const RESOURCE_VIEW = z.object({
  id: z.string(),
  identifier: z.string(),
  audience: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  algorithm: z.enum(RESOURCE_ALGORITHMS),
  token_type: z.enum(['at+jwt', 'JWT']),
  access_token_seconds: z.number(),
  format: z.enum(['jwt', 'jwe', 'opaque']),
  ...CLAIM_FIELDS,
  encryption_key: ENCRYPTION_KEY_VIEW.optional(),
  status_list: z.boolean(),
  built_in: z.boolean(),
  created_at: time,
});
export const resourceView = (resource: Resource) => ({
  id: resource.id,
  identifier: resource.identifier,
  audience: resource.audience,
  name: resource.name,
  scopes: [...resource.scope],
  algorithm: resource.algorithm,
  token_type: resource.tokenType,
  access_token_seconds: resource.accessTokenSeconds,
  format: resource.format,
  ...claimsView(resource),
  ...(resource.encryptionKey === undefined ? {} : { encryption_key: resource.encryptionKey }),
  status_list: resource.hasStatusList,
  built_in: resource.builtIn,
  created_at: timeOf(resource.createdAt),
});
