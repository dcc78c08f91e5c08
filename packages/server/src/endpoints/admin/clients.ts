import {
  type CreateClientCommand,
  decideCreateClient,
  loadCreateClient,
  type WantedSubjects,
} from '@latchkey/domain/clients/create-client';
import { decideDeleteClient, loadDeleteClient } from '@latchkey/domain/clients/delete-client';
import { decideRotateSecret, loadClientSecrets } from '@latchkey/domain/clients/rotate-secret';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { z } from 'zod';
import { rotateRing } from '../../keys/rotate.ts';
import { readSectorDocument } from '../../prove/sector-document.ts';
import type { Refusal, Server } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { makeSecret, ROTATE } from './secrets.ts';
import {
  APPLICATION_TYPE,
  AUTHENTICATION,
  CLIENT_VIEW,
  clientView,
  GRANT_TYPES,
  nextOf,
  PAGE,
  pageOf,
  SECRET_VIEW,
  SUBJECT_TYPE,
  secretView,
  time,
  timeOf,
} from './views.ts';

const CREATE = z.strictObject({
  name: z.string().min(1).max(LIMITS.nameMax),
  authentication: AUTHENTICATION,
  first_party: z.boolean().default(false).describe('Whether it is our own, and may ask people for their password.'),
  grant_types: GRANT_TYPES.min(1),
  scopes: z.array(z.string()).default([]),
  resources: z.array(z.string()).default([]).describe('Identifiers; the first is its default.'),
  origins: z.array(z.string()).default([]).describe('Origins of its pages, to the letter.'),
  application_type: APPLICATION_TYPE.default('web'),
  redirect_uris: z.array(z.string()).default([]).describe('Where answers of the sign-in pages may go, to the letter.'),
  post_logout_redirect_uris: z.array(z.string()).default([]).describe('Where a browser may go after a logout.'),
  backchannel_logout_uri: z.string().optional().describe('Where its server is told that a session has ended.'),
  backchannel_logout_session_required: z
    .boolean()
    .default(false)
    .describe('Whether it needs `sid` in what it is told.'),
  subject_type: SUBJECT_TYPE.default('public').describe('Pairwise: each sector knows a person by another name.'),
  sector_identifier_uri: z
    .string()
    .max(LIMITS.redirectUriMax)
    .optional()
    .describe('A JSON list of the redirect URIs, where these have more than one host. It is read once, now.'),
  require_pkce: z.boolean().default(true).describe('False only for a confidential client that cannot do PKCE.'),
  id_token_alg: z.enum(SIGNING_ALGORITHMS).default('RS256'),
  scope_claims_in_id_token: z.boolean().default(false),
  refresh_policy: z.enum(['rotate', 'keep']).default('rotate'),
  overlap_ms: z
    .number()
    .int()
    .min(0)
    .max(DURATIONS.overlapMax * 1000)
    .optional(),
});
const SECRET = z.string().describe('Told in this answer only.');

const createClient = adminEndpoint({
  method: 'POST',
  path: '/clients',
  summary: 'Creates a client. Its secret stands in this answer and nowhere else.',
  scope: 'clients:write',
  body: CREATE,
  success: { status: 201, schema: CLIENT_VIEW.extend({ client_secret: SECRET.optional() }) },
  async answer({ body, administrator, adminApi, server }) {
    const secret = makeSecret('lk_cs_', server);
    const subjects = await wantedSubjects(body, server);
    if (!subjects.ok) return subjects;
    const command: CreateClientCommand = {
      subjects: subjects.value,
      administrator,
      id: makeId('cli', server.now(), server.entropy(10)),
      name: body.name,
      authentication: body.authentication,
      firstParty: body.first_party,
      grantTypes: body.grant_types,
      scope: body.scopes,
      resources: body.resources,
      origins: body.origins,
      applicationType: body.application_type,
      redirectUris: body.redirect_uris,
      postLogoutRedirectUris: body.post_logout_redirect_uris,
      backchannelLogoutUri: body.backchannel_logout_uri,
      backchannelLogoutSessionRequired: body.backchannel_logout_session_required,
      requiresPkce: body.require_pkce,
      idTokenAlgorithm: body.id_token_alg,
      hasScopeClaimsInIdToken: body.scope_claims_in_id_token,
      refreshPolicy: body.refresh_policy,
      overlapMilliseconds: body.overlap_ms,
      secret: secret.stored,
      fetchAllow: server.settings.fetchAllow,
      adminApi,
    };
    const { outcome } = await server.commit(
      (read) => loadCreateClient(read, command),
      (facts, moment) => decideCreateClient(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    await rotateRing(server, outcome.value.idTokenAlgorithm, { action: 'keep' }, 'server');
    const isPublic = outcome.value.authentication === 'none';
    return ok({ ...clientView(outcome.value), ...(isPublic ? {} : { client_secret: secret.text }) });
  },
});

/**
 * By what the client is to know people. Where it names a sector identifier document, this is where it is read.
 *
 * @returns `client_metadata_conflict`, `sector_identifier_invalid`
 */
async function wantedSubjects(
  { subject_type, sector_identifier_uri: uri }: z.infer<typeof CREATE>,
  server: Server,
): Promise<Result<WantedSubjects, Refusal>> {
  if (subject_type === 'public')
    return uri === undefined ? ok({ type: 'public' }) : fail({ error: 'client_metadata_conflict' });
  if (uri === undefined) return ok({ type: 'pairwise', document: undefined });
  const document = await readSectorDocument(uri, server);
  return document.ok ? ok({ type: 'pairwise', document: document.value }) : document;
}

const listClients = adminEndpoint({
  method: 'GET',
  path: '/clients',
  summary: 'Lists clients, oldest first, without those that were deleted.',
  scope: 'clients:read',
  query: z.strictObject({ after: z.string().optional(), ...PAGE }),
  success: { status: 200, schema: pageOf(CLIENT_VIEW) },
  async answer({ query: { after, limit }, server }) {
    const from = after === undefined ? undefined : parseId('cli', after);
    if (after !== undefined && from === undefined) return fail({ error: 'field_invalid', detail: 'after is no id.' });
    const rows = await server.store.read.clients({ after: from, limit });
    const items = rows.filter(({ deletedAt }) => deletedAt === undefined).map(clientView);
    return ok({ items, ...nextOf(rows, limit, ({ id }) => id) });
  },
});

const getClient = adminEndpoint({
  method: 'GET',
  path: '/clients/:id',
  summary: 'Shows a client, and of its secrets when they were made and when they end.',
  scope: 'clients:read',
  success: { status: 200, schema: CLIENT_VIEW.extend({ secrets: z.array(SECRET_VIEW) }) },
  async answer({ params, server }) {
    const id = parseId('cli', params.id ?? '');
    const client = id === undefined ? undefined : await server.store.read.client(id);
    if (client === undefined || client.deletedAt !== undefined) return fail({ error: 'not_found' });
    const secrets = await server.store.read.secrets(client.id);
    return ok({ ...clientView(client), secrets: secrets.map(secretView) });
  },
});

const deleteClient = adminEndpoint({
  method: 'DELETE',
  path: '/clients/:id',
  summary: 'Deletes a client; with it ends everything that was issued to it.',
  scope: 'clients:write',
  success: { status: 204 },
  async answer({ params, administrator, adminApi, server }) {
    const id = parseId('cli', params.id ?? '');
    if (id === undefined) return fail({ error: 'not_found' });
    const command = { administrator, id, adminApi };
    const { outcome } = await server.commit(
      (read) => loadDeleteClient(read, command),
      (facts, moment) => decideDeleteClient(facts, command, moment),
    );
    return outcome.ok ? ok(undefined) : fail({ error: outcome.error, about: { client: id } });
  },
});

const rotateClientSecret = adminEndpoint({
  method: 'POST',
  path: '/clients/:id/secrets',
  summary: 'Makes a new secret of a client, in the place of all it has.',
  scope: 'clients:write',
  body: ROTATE,
  success: {
    status: 201,
    schema: z.object({ client_id: z.string(), client_secret: SECRET, old_secrets_end_at: time }),
  },
  async answer({ params, body, administrator, adminApi, server }) {
    const owner = parseId('cli', params.id ?? '');
    if (owner === undefined) return fail({ error: 'not_found' });
    const secret = makeSecret('lk_cs_', server);
    const overlapSeconds = body.overlap_seconds;
    const { outcome } = await server.commit(
      (read) => loadClientSecrets(read, owner),
      (facts, moment) =>
        decideRotateSecret(facts, { administrator, owner, secret: secret.stored, overlapSeconds, adminApi }, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error, about: { client: owner } });
    const end = timeOf(outcome.value.oldSecretsEndAt);
    return ok({ client_id: owner, client_secret: secret.text, old_secrets_end_at: end });
  },
});

export const CLIENT_ROUTES: readonly AdminEndpoint[] = [
  createClient,
  listClients,
  getClient,
  deleteClient,
  rotateClientSecret,
];
