import { hash } from 'node:crypto';
import { decideRotateSharedSecret, loadSharedSecrets } from '@latchkey/domain/keys/rotate-shared-secret';
import type { Write } from '@latchkey/domain/write';
import { parseId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { sharedSecretPlace } from '../../seal/places.ts';
import type { Server } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { time, timeOf } from './views.ts';

/** What createVerifier takes as one of its `sharedSecrets`. */
export const SHARED_SECRET = z
  .object({ kid: z.string(), secret: z.string().describe('32 random bytes as base64url. Told in this answer only.') })
  .describe('The secret under which the tokens of this resource are signed with HS256.');

const SECRET_BYTES = 32;
const KID_BYTES = 16;

/** A new secret: its text for the one answer that tells it, and what is stored of it. */
export function makeSharedSecret({ entropy, seal }: Pick<Server, 'entropy' | 'seal'>) {
  const bytes = entropy(SECRET_BYTES);
  // a name as long as those of other keys, which no command line takes for an option
  const kid = `k${hash('sha256', entropy(KID_BYTES), 'base64url').slice(1)}`;
  return {
    told: { kid, secret: Buffer.from(bytes).toString('base64url') },
    candidate: { kid, sealed: seal.seal(sharedSecretPlace(kid), bytes) },
  };
}

/** Tells a secret if it came to be stored, and only then. */
export const toldIf = (
  { told }: ReturnType<typeof makeSharedSecret>,
  writes: readonly Write[],
): { readonly shared_secret?: z.infer<typeof SHARED_SECRET> } =>
  writes.some(({ kind }) => kind === 'shared_secret.create') ? { shared_secret: told } : {};

const rotateSharedSecret = adminEndpoint({
  method: 'POST',
  path: '/resources/:id/shared-secrets',
  summary:
    'Makes a new secret for HS256, in the place of all that the resource has; old ones verify until their tokens have expired.',
  scope: 'resources:write',
  body: z.strictObject({
    delay_seconds: z
      .number()
      .int()
      .min(0)
      .max(DURATIONS.secretOverlapMax)
      .default(3_600)
      .describe('How long the old secret signs on: time to bring the new one to the API. The first one signs at once.'),
    revoke_others: z
      .boolean()
      .default(false)
      .describe('The old ones are refused everywhere from now on: somebody else may have them.'),
  }),
  success: { status: 201, schema: SHARED_SECRET.extend({ signs_from: time }) },
  async answer({ params, body, administrator, server }) {
    const resourceId = parseId('res', params.id ?? '');
    if (resourceId === undefined) return fail({ error: 'not_found' });
    const made = makeSharedSecret(server);
    const { candidate } = made;
    const asked = { delaySeconds: body.delay_seconds, revokesOthers: body.revoke_others };
    const command = { administrator, resourceId, candidate, ...asked };
    const { outcome } = await server.commit(
      (read) => loadSharedSecrets(read, command),
      (facts, moment) => decideRotateSharedSecret(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error, about: { resource: resourceId } });
    return ok({ ...made.told, signs_from: timeOf(outcome.value.activeAt) });
  },
});

export const SHARED_SECRET_ROUTES: readonly AdminEndpoint[] = [rotateSharedSecret];
