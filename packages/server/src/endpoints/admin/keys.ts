import { PUBLISHED_BEFORE_USE_SECONDS } from '@latchkey/domain/keys/rotation';
import type { MacKey, SigningKey } from '@latchkey/domain/keys/signing-key';
import { SIGNING_ALGORITHMS } from '@latchkey/protocol/jwk';
import { fail, ok } from '@latchkey/protocol/result';
import { later } from '@latchkey/protocol/types';
import { z } from 'zod';
import { rotateRing } from '../../keys/rotate.ts';
import { endFamiliesUnder, forgetAnswersUnder, rotateMacKeys } from '../../keys/rotate-mac.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { time, timeOf } from './views.ts';

const SIGNING_KEY_VIEW = z.object({
  kid: z.string(),
  algorithm: z.enum(SIGNING_ALGORITHMS),
  state: z.enum(['next', 'current', 'retiring', 'revoked']),
  created_at: time,
  since: time,
});
const signingKeyView = ({ kid, algorithm, state, createdAt, since }: SigningKey) => ({
  kid,
  algorithm,
  state,
  created_at: timeOf(createdAt),
  since: timeOf(since),
});
const MAC_KEY_VIEW = z.object({
  id: z.number(),
  state: z.enum(['current', 'retiring', 'revoked']),
  created_at: time,
});
const macKeyView = ({ id, state, createdAt }: MacKey) => ({ id, state, created_at: timeOf(createdAt) });

const RING = z.object({ current: z.string().describe('The kid of the key that signs now.') });
const MAC_RING = z.object({
  current: z.number().describe('The id of the key that new refresh tokens are made under.'),
});

const listKeys = adminEndpoint({
  method: 'GET',
  path: '/keys',
  summary: 'Lists signing keys, and the MAC keys of refresh tokens.',
  scope: 'keys:read',
  success: { status: 200, schema: z.object({ signing: z.array(SIGNING_KEY_VIEW), mac: z.array(MAC_KEY_VIEW) }) },
  async answer({ server }) {
    const [signing, mac] = [await server.store.read.signingKeys(), await server.store.read.macKeys()];
    return ok({ signing: signing.map(signingKeyView), mac: mac.map(macKeyView) });
  },
});

const rotateKeys = adminEndpoint({
  method: 'POST',
  path: '/keys/rotate',
  summary: 'Lets the next signing key of an algorithm take over, once it has been published for long enough.',
  scope: 'keys:write',
  body: z.strictObject({ algorithm: z.enum(SIGNING_ALGORITHMS).default('ES256') }),
  success: { status: 200, schema: RING },
  async answer({ body: { algorithm }, administrator, server }) {
    const ring = (await server.store.read.signingKeys()).filter((key) => key.algorithm === algorithm);
    if (ring.length === 0) return fail({ error: 'key_state_wrong', detail: 'No resource uses this algorithm.' });
    const state = await rotateRing(server, algorithm, { action: 'rotate' }, administrator.id);
    return state.ok ? ok({ current: state.value.currentKid }) : fail({ error: state.error, detail: youth(ring) });
  },
});

/** Why the next key does not take over yet: some verifier may hold a key set that lacks it. */
function youth(ring: readonly SigningKey[]): string {
  const next = ring.find(({ state }) => state === 'next');
  if (next === undefined) return 'There is no next key.';
  const from = timeOf(later(next.since, PUBLISHED_BEFORE_USE_SECONDS * 1000));
  return `The next key has to be published for ${PUBLISHED_BEFORE_USE_SECONDS} seconds before it signs: until ${from}.`;
}

const revokeKey = adminEndpoint({
  method: 'POST',
  path: '/keys/:kid/revoke',
  summary: 'Revokes a signing key: what it signed is refused everywhere from now on.',
  scope: 'keys:write',
  body: z.strictObject({
    all: z.boolean().default(false).describe('The current and the published next key go too, whichever was named.'),
  }),
  success: { status: 200, schema: RING },
  async answer({ params, body: { all }, administrator, server }) {
    const key = (await server.store.read.signingKeys()).find(({ kid }) => kid === params.kid);
    if (key === undefined) return fail({ error: 'not_found' });
    const state = await rotateRing(server, key.algorithm, { action: 'revoke', kid: key.kid, all }, administrator.id);
    return state.ok ? ok({ current: state.value.currentKid }) : fail({ error: state.error, about: { key: key.kid } });
  },
});

const rotateMacKey = adminEndpoint({
  method: 'POST',
  path: '/mac-keys/rotate',
  summary: 'Makes a new MAC key for refresh tokens and opaque tokens; the old one verifies on.',
  scope: 'keys:write',
  body: z.strictObject({}),
  success: { status: 200, schema: MAC_RING },
  async answer({ administrator, server }) {
    const state = await rotateMacKeys(server, { action: 'rotate' }, administrator.id);
    return state.ok ? ok({ current: state.value.currentId }) : fail({ error: state.error });
  },
});

const revokeMacKey = adminEndpoint({
  method: 'POST',
  path: '/mac-keys/:id/revoke',
  summary:
    'Revokes a MAC key: every family whose refresh token was made under it ends, and every opaque token under it. Can be repeated.',
  scope: 'keys:write',
  body: z.strictObject({}),
  success: { status: 200, schema: MAC_RING.extend({ families_ended: z.number() }) },
  async answer({ params, administrator, server }) {
    const id = Number(params.id);
    if (!(await server.store.read.macKeys()).some((key) => key.id === id)) return fail({ error: 'not_found' });
    const state = await rotateMacKeys(server, { action: 'revoke', id }, administrator.id);
    if (!state.ok) return fail({ error: state.error, about: { mac_key: String(id) } });
    const ended = await endFamiliesUnder(server, id, administrator.id);
    if (ended.ok) await forgetAnswersUnder(server, id);
    return ended.ok
      ? ok({ current: state.value.currentId, families_ended: ended.value })
      : fail({ error: ended.error, about: { mac_key: String(id) } });
  },
});

export const KEY_ROUTES: readonly AdminEndpoint[] = [listKeys, rotateKeys, revokeKey, rotateMacKey, revokeMacKey];
