import { type AccountMetadata, parseMetadata } from '@latchkey/domain/accounts/metadata';
import { decideSetMetadata, loadSetMetadata } from '@latchkey/domain/accounts/set-metadata';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';

const VALUES = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
  .describe(`At most ${LIMITS.metadataEntriesMax} names with texts, numbers, true or false, or lists of texts.`);
const TENANT = z.string().describe('The organisation of the account: the org_id of its tokens.');
const METADATA = z.object({
  version: z.number().int().describe('Grows with each change; 0 where nothing is kept yet.'),
  tenant: TENANT.optional(),
  values: VALUES,
});
const metadataView = (metadata: Pick<AccountMetadata, 'version' | 'tenant' | 'values'> | undefined) => ({
  version: metadata?.version ?? 0,
  ...(metadata?.tenant === undefined ? {} : { tenant: metadata.tenant }),
  // the same members in a type that is not read-only
  values: VALUES.parse(metadata?.values ?? {}),
});

const getMetadata = adminEndpoint({
  method: 'GET',
  path: '/accounts/:id/metadata',
  summary: 'Shows what is kept about an account for its APIs.',
  scope: 'accounts:read',
  success: { status: 200, schema: METADATA },
  async answer({ params, server: { store } }) {
    const id = parseId('acc', params.id ?? '');
    if (id === undefined || (await store.read.account(id)) === undefined) return fail({ error: 'not_found' });
    return ok(metadataView(await store.read.metadata(id)));
  },
});

const putMetadata = adminEndpoint({
  method: 'PUT',
  path: '/accounts/:id/metadata',
  summary: 'Puts this in the place of all that was kept about an account for its APIs.',
  scope: 'accounts:write',
  body: z.strictObject({
    version: z.number().int().min(0).optional().describe('What it was when you looked; another one is a conflict.'),
    tenant: TENANT.optional(),
    values: VALUES,
  }),
  success: { status: 200, schema: METADATA },
  async answer({ params, body, administrator, server }) {
    const id = parseId('acc', params.id ?? '');
    if (id === undefined) return fail({ error: 'not_found' });
    const parsed = parseMetadata(body.tenant, body.values);
    if (!parsed.ok)
      return fail({ error: 'field_invalid', detail: `${parsed.error.member}: must be ${parsed.error.form}.` });
    const command = { ...parsed.value, id, administrator, version: body.version };
    const { outcome } = await server.commit(
      (read, moment) => loadSetMetadata(read, id, moment),
      (facts, moment) => decideSetMetadata(facts, command, moment),
    );
    return outcome.ok ? ok(metadataView(outcome.value)) : fail({ error: outcome.error, about: { account: id } });
  },
});

export const METADATA_ROUTES: readonly AdminEndpoint[] = [getMetadata, putMetadata];
