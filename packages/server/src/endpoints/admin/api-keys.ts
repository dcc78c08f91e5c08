import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import {
  type CreateApiKeyCommand,
  decideCreateApiKey,
  loadCreateApiKey,
} from '@latchkey/domain/api-keys/create-api-key';
import { decideEndApiKey } from '@latchkey/domain/api-keys/end-api-key';
import { decideRotateApiKey, loadOwnedApiKey } from '@latchkey/domain/api-keys/rotate-api-key';
import { type ApiKeyChanges, decideUpdateApiKey, loadUpdateApiKey } from '@latchkey/domain/api-keys/update-api-key';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import {
  type AccountId,
  type ClientId,
  type EpochMilliseconds,
  later,
  type ResourceIdentifier,
} from '@latchkey/protocol/types';
import { z } from 'zod';
import { makeApiKeyText } from '../../api-keys/make-text.ts';
import type { Server } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { nextOf, PAGE, pageOf, time, timeOf } from './views.ts';

const NAME = z.string().min(1).max(LIMITS.nameMax);
const SCOPES = z.array(z.string()).max(LIMITS.scopeNamesMax);
const NETWORKS = z.array(z.string()).max(LIMITS.apiKeyNetworksMax).describe('CIDR, IPv4 or IPv6; empty for anywhere.');
const QUOTA = z
  .strictObject({
    uses: z.number().int().min(1).max(LIMITS.apiKeyUsesMax),
    period: z.enum(['hour', 'day', 'month']).describe('Periods begin in UTC.'),
  })
  .describe('How often it may be used in each period.');
const RATE = z
  .strictObject({
    limit: z.number().int().min(1).max(LIMITS.apiKeyUsesMax),
    seconds: z.number().int().min(1).max(DURATIONS.apiKeyRateMax),
  })
  .describe('So many uses in so many seconds.');
const METADATA = z
  .record(z.string().max(64), z.string().max(LIMITS.apiKeyMetadataTextMax))
  .describe('Notes of yours: at most 20 names of letters, digits, dot, dash and underscore.');
const EXPIRES_IN = z
  .number()
  .int()
  .min(1)
  .max(DURATIONS.apiKeyMax)
  .describe('In how many seconds from now it ends; 90 days unless it is said, 730 at most.');
const OWNER = z.string().describe('The id of the account or client that it acts for.');
const ENVIRONMENT = z.enum(['live', 'test']);

const VIEW = z.object({
  id: z.string(),
  owner: OWNER,
  name: z.string(),
  environment: ENVIRONMENT,
  resource: z.string(),
  scopes: z.array(z.string()),
  tenant: z.string().optional(),
  networks: z.array(z.string()),
  quota: z.object({ uses: z.number(), period: z.enum(['hour', 'day', 'month']) }).optional(),
  rate: z.object({ limit: z.number(), seconds: z.number() }).optional(),
  metadata: z.record(z.string(), z.string()),
  created_at: time,
  expires_at: time,
  previous_secret_ends_at: time.optional().describe('When the secret before the last rotation stops to work.'),
  last_used_at: time.optional().describe('As far as verifiers have reported; in lists and views.'),
  ended_at: time.optional(),
  end_reason: z.string().optional(),
});
const viewOf = (key: ApiKey) => ({
  id: key.id,
  owner: key.owner,
  name: key.name,
  environment: key.environment,
  resource: key.resource,
  scopes: [...key.scope],
  ...(key.tenant === undefined ? {} : { tenant: key.tenant }),
  networks: [...key.networks],
  ...(key.quota === undefined ? {} : { quota: key.quota }),
  ...(key.rate === undefined ? {} : { rate: key.rate }),
  metadata: { ...key.metadata },
  created_at: timeOf(key.createdAt),
  expires_at: timeOf(key.expiresAt),
  ...(key.previous === undefined ? {} : { previous_secret_ends_at: timeOf(key.previous.until) }),
  ...(key.ended === undefined ? {} : { ended_at: timeOf(key.ended.at), end_reason: key.ended.reason }),
});
/** The same, with when it was used last. */
const usedViewOf = async (key: ApiKey, { store: { read } }: Server) => {
  const usedAt = await read.lastUse(key.id);
  return { ...viewOf(key), ...(usedAt === undefined ? {} : { last_used_at: timeOf(usedAt) }) };
};
const WITH_SECRET = VIEW.extend({ secret: z.string().describe('The API key itself. Told in this answer only.') });

const ownerIn = (text: string): AccountId | ClientId | undefined => parseId('acc', text) ?? parseId('cli', text);
/** Who administers says nothing of the language of whom it is about. */
const languageOf = ({ mail }: Server) => (mail === undefined ? undefined : 'en');

const createApiKey = adminEndpoint({
  method: 'POST',
  path: '/api-keys',
  summary: 'Makes an API key for an account or client, which stands in this answer only.',
  scope: 'api_keys:write',
  body: z.strictObject({
    owner: OWNER,
    name: NAME,
    resource: z.string().max(LIMITS.resourceIdentifierMax).describe('The identifier of the resource that it is for.'),
    environment: ENVIRONMENT.default('live'),
    scopes: SCOPES.default([]),
    tenant: NAME.optional(),
    networks: NETWORKS.default([]),
    quota: QUOTA.optional(),
    rate: RATE.optional(),
    metadata: METADATA.default({}),
    expires_in: EXPIRES_IN.default(DURATIONS.apiKeyDefault),
  }),
  success: { status: 201, schema: WITH_SECRET },
  async answer({ body, administrator, adminApi, server }) {
    const owner = ownerIn(body.owner);
    if (owner === undefined) return fail({ error: 'api_key_owner_unknown' });
    const id = makeId('key', server.now(), server.entropy(10));
    const { text, hash } = makeApiKeyText(id, body.environment, server);
    const { outcome } = await server.commit(
      (read, moment) => loadCreateApiKey(read, { owner, resource: body.resource as ResourceIdentifier }, moment),
      (facts, moment) => {
        const command: CreateApiKeyCommand = {
          administrator,
          id,
          owner,
          environment: body.environment,
          name: body.name,
          resource: body.resource as ResourceIdentifier,
          scope: body.scopes,
          tenant: body.tenant,
          networks: body.networks,
          quota: body.quota,
          rate: body.rate,
          metadata: body.metadata,
          expiresAt: later(moment.now, body.expires_in * 1000),
          secretHash: hash,
          adminApi,
          language: languageOf(server),
        };
        return decideCreateApiKey(facts, command, moment);
      },
    );
    return outcome.ok ? ok({ ...viewOf(outcome.value), secret: text }) : fail({ error: outcome.error });
  },
});

const listApiKeys = adminEndpoint({
  method: 'GET',
  path: '/api-keys',
  summary: 'Lists the API keys of an owner or for a resource, oldest first; those that are over for a month.',
  scope: 'api_keys:read',
  query: z.strictObject({
    owner: z.string().optional(),
    resource: z.string().optional(),
    after: z.string().optional(),
    ...PAGE,
  }),
  success: { status: 200, schema: pageOf(VIEW) },
  async answer({ query: { owner: named, resource, after, limit }, server }) {
    const { read } = server.store;
    const from = after === undefined ? undefined : parseId('key', after);
    if (after !== undefined && from === undefined) return fail({ error: 'field_invalid', detail: 'after is no id.' });
    if ((named === undefined) === (resource === undefined))
      return fail({ error: 'field_invalid', detail: 'Name an owner or a resource, and one of them only.' });
    const owner = named === undefined ? undefined : ownerIn(named);
    if (named !== undefined && owner === undefined) return ok({ items: [] });
    const page = { after: from, limit };
    const rows =
      owner === undefined
        ? await read.apiKeysFor((resource ?? '') as ResourceIdentifier, page)
        : await read.apiKeysOf(owner, page);
    const items = await Promise.all(rows.map((row) => usedViewOf(row, server)));
    return ok({ items, ...nextOf(rows, limit, ({ id }) => id) });
  },
});

const getApiKey = adminEndpoint({
  method: 'GET',
  path: '/api-keys/:id',
  summary: 'Shows an API key, without its secret.',
  scope: 'api_keys:read',
  success: { status: 200, schema: VIEW },
  async answer({ params, server }) {
    const id = parseId('key', params.id ?? '');
    const key = id === undefined ? undefined : await server.store.read.apiKey(id);
    return key === undefined ? fail({ error: 'not_found' }) : ok(await usedViewOf(key, server));
  },
});

const UPDATE = z.strictObject({
  owner: OWNER.optional(),
  name: NAME.optional(),
  scopes: SCOPES.optional(),
  tenant: NAME.nullable().optional(),
  networks: NETWORKS.optional(),
  quota: QUOTA.nullable().optional(),
  rate: RATE.nullable().optional(),
  metadata: METADATA.optional(),
  expires_in: EXPIRES_IN.optional(),
});

const updateApiKey = adminEndpoint({
  method: 'PATCH',
  path: '/api-keys/:id',
  summary: 'Changes the terms of an API key, as far as fields are given; null takes one away.',
  scope: 'api_keys:write',
  body: UPDATE,
  success: { status: 200, schema: VIEW },
  async answer({ params, body, administrator, adminApi, server }) {
    const id = parseId('key', params.id ?? '');
    if (id === undefined) return fail({ error: 'not_found' });
    const owner = body.owner === undefined ? undefined : ownerIn(body.owner);
    if (body.owner !== undefined && owner === undefined) return fail({ error: 'api_key_owner_unknown' });
    const whose = owner === undefined ? {} : { owner };
    const { outcome } = await server.commit(
      (read, moment) => loadUpdateApiKey(read, { id, changes: whose }, moment),
      (facts, moment) => {
        const changes = { ...changesOf(body, moment.now), ...whose };
        return decideUpdateApiKey(facts, { administrator, id, changes, adminApi }, moment);
      },
    );
    return outcome.ok ? ok(viewOf(outcome.value)) : fail({ error: outcome.error, about: { api_key: id } });
  },
});

const changesOf = (body: z.infer<typeof UPDATE>, now: EpochMilliseconds): ApiKeyChanges => ({
  ...(body.name === undefined ? {} : { name: body.name }),
  ...(body.scopes === undefined ? {} : { scope: body.scopes }),
  ...(body.tenant === undefined ? {} : { tenant: body.tenant ?? undefined }),
  ...(body.networks === undefined ? {} : { networks: body.networks }),
  ...(body.quota === undefined ? {} : { quota: body.quota ?? undefined }),
  ...(body.rate === undefined ? {} : { rate: body.rate ?? undefined }),
  ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
  ...(body.expires_in === undefined ? {} : { expiresAt: later(now, body.expires_in * 1000) }),
});

const rotateApiKey = adminEndpoint({
  method: 'POST',
  path: '/api-keys/:id/rotate',
  summary: 'Gives an API key a new secret, which stands in this answer only; the old one works for the overlap.',
  scope: 'api_keys:write',
  body: z.strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(DURATIONS.secretOverlapMax)
      .default(DURATIONS.apiKeyOverlapDefault)
      .describe('How long what it replaces stays good; 0 ends it at once.'),
  }),
  success: { status: 201, schema: WITH_SECRET },
  async answer({ params, body, administrator, adminApi, server }) {
    const id = parseId('key', params.id ?? '');
    const known = id === undefined ? undefined : await server.store.read.apiKey(id);
    if (known === undefined) return fail({ error: 'not_found' });
    const { text, hash } = makeApiKeyText(known.id, known.environment, server);
    const command = {
      administrator,
      id: known.id,
      secretHash: hash,
      overlapSeconds: body.overlap_seconds,
      adminApi,
      language: languageOf(server),
    };
    const { outcome } = await server.commit(
      (read, moment) => loadOwnedApiKey(read, command, moment),
      (facts, moment) => decideRotateApiKey(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error, about: { api_key: known.id } });
    return ok({ ...viewOf(outcome.value), secret: text });
  },
});

const revokeApiKey = adminEndpoint({
  method: 'DELETE',
  path: '/api-keys/:id',
  summary: 'Revokes an API key for good; every API refuses it, and what was made from it, at once.',
  scope: 'api_keys:write',
  success: { status: 204 },
  async answer({ params, administrator, server }) {
    const id = parseId('key', params.id ?? '');
    if (id === undefined) return fail({ error: 'not_found' });
    const { outcome } = await server.commit(
      (read, moment) => loadOwnedApiKey(read, { id }, moment),
      (facts, moment) => decideEndApiKey(facts, { id, by: administrator.id, language: languageOf(server) }, moment),
    );
    return outcome.ok ? ok(undefined) : fail({ error: outcome.error, about: { api_key: id } });
  },
});

export const API_KEY_ROUTES: readonly AdminEndpoint[] = [
  createApiKey,
  listApiKeys,
  getApiKey,
  updateApiKey,
  rotateApiKey,
  revokeApiKey,
];
