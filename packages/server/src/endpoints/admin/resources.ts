import {
  type CreateResourceCommand,
  decideCreateResource,
  loadCreateResource,
} from '@latchkey/domain/clients/create-resource';
import { withFirstSecret } from '@latchkey/domain/clients/resource-shared-secret';
import { decideRotateSecret, loadResourceSecrets } from '@latchkey/domain/clients/rotate-secret';
import { decideUpdateResource, type ResourceChanges } from '@latchkey/domain/clients/update-resource';
import { loadSharedSecrets } from '@latchkey/domain/keys/rotate-shared-secret';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { type PublicEncryptionJwk, RESOURCE_ALGORITHMS, type ResourceAlgorithm } from '@latchkey/protocol/jwk';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { rotateRing } from '../../keys/rotate.ts';
import { detailOf } from '../../refused.ts';
import type { Server } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { ENCRYPTION_KEY, encryptionKeyOf } from './encryption-key.ts';
import { CLAIM_FIELDS, claimChangesOf } from './resource-claims.ts';
import { makeSecret, ROTATE } from './secrets.ts';
import { makeSharedSecret, SHARED_SECRET, SHARED_SECRET_ROUTES, toldIf } from './shared-secrets.ts';
import { nextOf, PAGE, pageOf, RESOURCE_VIEW, resourceView, TOKEN_FORMAT, time, timeOf } from './views.ts';

const CREATE = z.strictObject({
  identifier: z.string().max(LIMITS.resourceIdentifierMax).describe('An absolute URI without a fragment.'),
  name: z.string().min(1).max(LIMITS.nameMax),
  audience: z.string().optional().describe('The aud of its tokens, when it is not the identifier.'),
  scopes: z.array(z.string()).default([]),
  algorithm: z.enum(RESOURCE_ALGORITHMS).default('ES256'),
  token_type: z.enum(['at+jwt', 'JWT']).default('at+jwt'),
  access_token_seconds: z.number().int().min(DURATIONS.accessTokenMin).max(DURATIONS.accessTokenMax).optional(),
  format: TOKEN_FORMAT.default('jwt'),
  ...z.object(CLAIM_FIELDS).partial().shape,
  encryption_key: ENCRYPTION_KEY.optional(),
  status_list: z.boolean().optional().describe('Whether each of its tokens has a place in a status list.'),
});
const SECRET = z.string().describe('What createVerifier takes. Told in this answer only.');

const createResource = adminEndpoint({
  method: 'POST',
  path: '/resources',
  summary: 'Creates a resource (an API) and the credential of its verifiers, which stands in this answer only.',
  scope: 'resources:write',
  body: CREATE,
  success: { status: 201, schema: RESOURCE_VIEW.extend({ secret: SECRET, shared_secret: SHARED_SECRET.optional() }) },
  async answer({ body, administrator, server }) {
    const encryptionKey = await encryptionKeyOf(body.encryption_key, server);
    if (!encryptionKey.ok) return encryptionKey;
    const secret = makeSecret('lk_rs_', server);
    const command: CreateResourceCommand = {
      administrator,
      id: makeId('res', server.now(), server.entropy(10)),
      identifier: body.identifier,
      name: body.name,
      audience: body.audience,
      scope: body.scopes,
      algorithm: body.algorithm,
      tokenType: body.token_type,
      accessTokenSeconds: body.access_token_seconds ?? server.settings.accessTokenSeconds,
      format: body.format,
      ...claimChangesOf(body),
      encryptionKey: encryptionKey.value,
      hasStatusList: body.status_list ?? false,
      secret: secret.stored,
    };
    const shared = makeSharedSecret(server);
    const { outcome, detail, writes } = await server.commit(loadCreateResource, (facts, moment) =>
      withFirstSecret(decideCreateResource(facts, command, moment), [], { administrator, ...shared }, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error, ...detailOf(detail) });
    // an algorithm that no resource had before gets its keys now, not at the next look at the schedule
    await ensureKeys(server, body.algorithm);
    return ok({ ...resourceView(outcome.value), secret: secret.text, ...toldIf(shared, writes) });
  },
});

const listResources = adminEndpoint({
  method: 'GET',
  path: '/resources',
  summary: 'Lists resources, oldest first.',
  scope: 'resources:read',
  query: z.strictObject({ after: z.string().optional(), ...PAGE }),
  success: { status: 200, schema: pageOf(RESOURCE_VIEW) },
  async answer({ query: { after, limit }, server }) {
    const from = after === undefined ? undefined : parseId('res', after);
    if (after !== undefined && from === undefined) return fail({ error: 'field_invalid', detail: 'after is no id.' });
    const rows = await server.store.read.resources({ after: from, limit });
    return ok({ items: rows.map(resourceView), ...nextOf(rows, limit, ({ id }) => id) });
  },
});

const UPDATE = z.strictObject({
  name: z.string().min(1).max(LIMITS.nameMax).optional(),
  scopes: z.array(z.string()).optional(),
  algorithm: z.enum(RESOURCE_ALGORITHMS).optional(),
  token_type: z.enum(['at+jwt', 'JWT']).optional(),
  access_token_seconds: z.number().int().min(DURATIONS.accessTokenMin).max(DURATIONS.accessTokenMax).optional(),
  format: TOKEN_FORMAT.optional(),
  ...z.object(CLAIM_FIELDS).partial().shape,
  encryption_key: ENCRYPTION_KEY.optional(),
  status_list: z.boolean().optional().describe('Whether each of its tokens has a place in a status list.'),
});

const updateResource = adminEndpoint({
  method: 'PATCH',
  path: '/resources/:id',
  summary: 'Changes a resource, as far as fields are given. Tokens that it has already stay as they are.',
  scope: 'resources:write',
  body: UPDATE,
  success: { status: 200, schema: RESOURCE_VIEW.extend({ shared_secret: SHARED_SECRET.optional() }) },
  async answer({ params, body, administrator, server }) {
    const id = parseId('res', params.id ?? '');
    if (id === undefined) return fail({ error: 'not_found' });
    const encryptionKey = await encryptionKeyOf(body.encryption_key, server);
    if (!encryptionKey.ok) return encryptionKey;
    const changes = changesOf(body, encryptionKey.value);
    // before the first token is asked for: an algorithm that no resource had before has no keys yet
    await ensureKeys(server, changes.algorithm);
    const shared = makeSharedSecret(server);
    const { outcome, detail, writes } = await server.commit(
      (read) => loadSharedSecrets(read, { resourceId: id }),
      ({ resource, secrets }, moment) => {
        const decision = decideUpdateResource(resource, { administrator, id, changes }, moment);
        return withFirstSecret(decision, secrets, { administrator, ...shared }, moment);
      },
    );
    if (!outcome.ok) return fail({ error: outcome.error, ...detailOf(detail), about: { resource: id } });
    return ok({ ...resourceView(outcome.value), ...toldIf(shared, writes) });
  },
});

const changesOf = (body: z.infer<typeof UPDATE>, encryptionKey: PublicEncryptionJwk | undefined): ResourceChanges => ({
  ...(body.name === undefined ? {} : { name: body.name }),
  ...(body.scopes === undefined ? {} : { scope: body.scopes }),
  ...(body.algorithm === undefined ? {} : { algorithm: body.algorithm }),
  ...(body.token_type === undefined ? {} : { tokenType: body.token_type }),
  ...(body.access_token_seconds === undefined ? {} : { accessTokenSeconds: body.access_token_seconds }),
  ...(body.format === undefined ? {} : { format: body.format }),
  ...claimChangesOf(body),
  ...(encryptionKey === undefined ? {} : { encryptionKey }),
  ...(body.status_list === undefined ? {} : { hasStatusList: body.status_list }),
});

const rotateResourceSecret = adminEndpoint({
  method: 'POST',
  path: '/resources/:id/secrets',
  summary: 'Makes a new credential for the verifiers of a resource, in the place of all it has.',
  scope: 'resources:write',
  body: ROTATE,
  success: { status: 201, schema: z.object({ id: z.string(), secret: SECRET, old_secrets_end_at: time }) },
  async answer({ params, body, administrator, adminApi, server }) {
    const owner = parseId('res', params.id ?? '');
    if (owner === undefined) return fail({ error: 'not_found' });
    const secret = makeSecret('lk_rs_', server);
    const overlapSeconds = body.overlap_seconds;
    const { outcome } = await server.commit(
      (read) => loadResourceSecrets(read, owner),
      (facts, moment) =>
        decideRotateSecret(facts, { administrator, owner, secret: secret.stored, overlapSeconds, adminApi }, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error, about: { resource: owner } });
    return ok({ id: owner, secret: secret.text, old_secrets_end_at: timeOf(outcome.value.oldSecretsEndAt) });
  },
});

/** The keys of an algorithm that no resource had before. HS256 has none: its secrets belong to each resource. */
async function ensureKeys(server: Server, algorithm: ResourceAlgorithm | undefined): Promise<void> {
  if (algorithm !== undefined && algorithm !== 'HS256')
    await rotateRing(server, algorithm, { action: 'keep' }, 'server');
}

export const RESOURCE_ROUTES: readonly AdminEndpoint[] = [
  createResource,
  listResources,
  updateResource,
  rotateResourceSecret,
  ...SHARED_SECRET_ROUTES,
];
