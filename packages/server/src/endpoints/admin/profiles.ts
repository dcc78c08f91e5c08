import {
  ADDRESS_PARTS,
  formOf,
  PROFILE_TEXTS,
  type Profile,
  type ProfileField,
  parseProfile,
} from '@latchkey/domain/accounts/profile';
import { decideSetProfile, loadSetProfile } from '@latchkey/domain/accounts/set-profile';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { time, timeOf } from './views.ts';

const text = (field: ProfileField) =>
  z
    .string()
    .optional()
    .describe(`Text: ${formOf(field)}.`);
const textsOf = <K extends string>(names: readonly K[], fieldOf: (name: K) => ProfileField) =>
  Object.fromEntries(names.map((name) => [name, text(fieldOf(name))])) as Record<K, ReturnType<typeof text>>;

const CLAIMS = z.strictObject({
  ...textsOf(PROFILE_TEXTS, (name) => name),
  address: z.strictObject(textsOf(ADDRESS_PARTS, (name) => `address.${name}`)).optional(),
  phone_number_verified: z.boolean().optional(),
});
const PROFILE = z.object({
  claims: CLAIMS,
  updated_at: time.optional().describe('When it last changed; absent where nobody has said anything yet.'),
});
const profileView = (profile: Profile | undefined) => ({
  claims: profile?.claims ?? {},
  ...(profile === undefined ? {} : { updated_at: timeOf(profile.updatedAt) }),
});

const getProfile = adminEndpoint({
  method: 'GET',
  path: '/accounts/:id/profile',
  summary: 'Shows what is known of a person, in the claims of OpenID Connect.',
  scope: 'accounts:read',
  success: { status: 200, schema: PROFILE },
  async answer({ params, server: { store } }) {
    const id = parseId('acc', params.id ?? '');
    if (id === undefined || (await store.read.account(id)) === undefined) return fail({ error: 'not_found' });
    return ok(profileView(await store.read.profile(id)));
  },
});

const putProfile = adminEndpoint({
  method: 'PUT',
  path: '/accounts/:id/profile',
  summary: 'Puts these claims in the place of all that was known of a person; an empty text is none.',
  scope: 'accounts:write',
  body: z.strictObject({ claims: CLAIMS }),
  success: { status: 200, schema: PROFILE },
  async answer({ params, body, administrator, server }) {
    const id = parseId('acc', params.id ?? '');
    if (id === undefined) return fail({ error: 'not_found' });
    const claims = parseProfile(body.claims);
    if (!claims.ok) return fail({ error: 'field_invalid', detail: claims.error.map(problemOf).join(' ') });
    const command = { id, by: administrator, claims: claims.value };
    const { outcome } = await server.commit(
      (read) => loadSetProfile(read, id),
      (facts, moment) => decideSetProfile(facts, command, moment),
    );
    return outcome.ok ? ok(profileView(outcome.value)) : fail({ error: outcome.error, about: { account: id } });
  },
});

const problemOf = (field: ProfileField): string => `claims.${field}: must be ${formOf(field)}.`;

export const PROFILE_ROUTES: readonly AdminEndpoint[] = [getProfile, putProfile];
