import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds, ResourceId, ResourceIdentifier, Sealed } from '@latchkey/protocol/types';
import { expect, test } from 'vitest';
import { PLAIN_RESOURCE, type Resource } from '../clients/resource.ts';
import { withFirstSecret } from '../clients/resource-shared-secret.ts';
import { allow, refuse } from '../decision.ts';
import { decideRotateSharedSecret, loadSharedSecrets } from './rotate-shared-secret.ts';
import { type SharedSecret, signingSecret, verifyingSecrets } from './shared-secret.ts';

const at = (ms: number) => ms as EpochMilliseconds;
const now = at(1_000_000);
const moment = { now, position: { epoch: 1, seq: 7 }, catalogue: 1 };
const id = 'res_1' as ResourceId;
const resource: Resource = {
  id,
  version: 1,
  identifier: 'https://api.example' as ResourceIdentifier,
  audience: 'https://api.example',
  name: 'API',
  createdAt: at(0),
  scope: [],
  algorithm: 'HS256',
  tokenType: 'at+jwt',
  accessTokenSeconds: 300,
  ...PLAIN_RESOURCE,
  builtIn: false,
};
const secret = (kid: string, more: Partial<SharedSecret> = {}): SharedSecret => ({
  kid,
  resourceId: id,
  sealed: new Uint8Array() as Sealed,
  createdAt: at(0),
  activeAt: at(0),
  retiresAt: undefined,
  ...more,
});
const administrator = { id: 'cli_admin', scope: [] };
const candidate = { kid: 'new', sealed: new Uint8Array() as Sealed };
const command = { administrator, resourceId: id, candidate, delaySeconds: 60, revokesOthers: false };

test('that secret signs whose time has come and that was made last', () => {
  const old = secret('old', { retiresAt: at(now + 1) });
  const waiting = secret('waiting', { createdAt: at(5), activeAt: at(now + 1) });
  const twin = secret('twin');
  expect(signingSecret([], now)).toBeUndefined();
  expect(signingSecret([old, waiting], now)).toBe(old);
  expect(signingSecret([old, waiting], at(now + 1))).toBe(waiting);
  expect(signingSecret([old, twin], now)).toBe(twin);
  expect(signingSecret([twin, old], now)).toBe(twin);
  expect(signingSecret([waiting, secret('now', { createdAt: at(6) })], at(now + 1))?.kid).toBe('now');
  expect(verifyingSecrets([old, waiting], at(now + 1))).toEqual([waiting]);
});

test('a rotation: the new secret waits, the old one verifies until its last token has expired', () => {
  const gone = secret('gone', { retiresAt: now });
  const retiring = secret('retiring', { retiresAt: at(now + 1) });
  const current = secret('current');
  const activeAt = at(now + 60_000);
  const made = { ...candidate, resourceId: id, createdAt: now, activeAt, retiresAt: undefined };
  expect(decideRotateSharedSecret({ resource, secrets: [gone, retiring, current] }, command, moment)).toEqual({
    outcome: { ok: true, value: made },
    expects: [],
    writes: [
      { kind: 'shared_secret.remove', kid: 'gone' },
      { kind: 'shared_secret.retire', kid: 'current', at: activeAt + DURATIONS.eventRetention * 1000 },
      { kind: 'shared_secret.create', secret: made },
      {
        kind: 'audit.append',
        entry: {
          at: now,
          event: 'resource.shared_secret_rotated',
          actor: 'cli_admin',
          subject: { resource: id, key: 'new' },
          detail: { delay_seconds: 60, revoked_others: false },
        },
      },
    ],
  });
});

test('secrets that somebody else has go at once, with an event for each; the new one does not wait', () => {
  const facts = { resource, secrets: [secret('current')] };
  const { outcome, writes } = decideRotateSharedSecret(facts, { ...command, revokesOthers: true }, moment);
  expect(outcome.ok && outcome.value.activeAt).toBe(now);
  expect(writes.map((write) => (write.kind === 'revocation.emit' ? write.event.id : write.kind))).toEqual([
    'shared_secret.remove',
    'current',
    'shared_secret.create',
    'audit.append',
  ]);
});

test('a resource that is not there, one that came with the server, one secret too many', () => {
  const full = Array.from({ length: LIMITS.sharedSecretsPerResourceMax }, (_, n) => secret(`s${n}`));
  const answers = [
    decideRotateSharedSecret({ resource: undefined, secrets: [] }, command, moment),
    decideRotateSharedSecret({ resource: { ...resource, builtIn: true }, secrets: [] }, command, moment),
    decideRotateSharedSecret({ resource, secrets: full }, command, moment),
    decideRotateSharedSecret({ resource, secrets: full.slice(1) }, command, moment),
  ];
  const told = answers.map(({ outcome }) => (outcome.ok ? 'ok' : outcome.error));
  expect(told).toEqual(['not_found', 'built_in', 'limit_reached', 'ok']);
});

test('a resource with HS256 has a secret from its first moment on, and no second one by being changed', () => {
  const first = { administrator, candidate };
  const kinds = (secrets: readonly SharedSecret[], decision = allow(resource)) =>
    withFirstSecret(decision, secrets, first, moment).writes.map(({ kind }) => kind);
  expect(kinds([])).toEqual(['shared_secret.create', 'audit.append']);
  expect(kinds([secret('current')])).toEqual([]);
  expect(kinds([], allow({ ...resource, algorithm: 'ES256' }))).toEqual([]);
  const refused = refuse('not_found');
  expect(withFirstSecret(refused, [], first, moment)).toBe(refused);
  const waiting = Array.from({ length: LIMITS.sharedSecretsPerResourceMax }, (_, n) =>
    secret(`s${n}`, { activeAt: at(now + 1) }),
  );
  expect(withFirstSecret(allow(resource), waiting, first, moment)).toEqual(refuse('limit_reached'));
});

test('only the secrets of that resource are looked at', async () => {
  const own = secret('own');
  const read = {
    resourceById: async () => resource,
    sharedSecrets: async () => [own, secret('foreign', { resourceId: 'res_2' as ResourceId })],
  };
  expect(await loadSharedSecrets(read, { resourceId: id })).toEqual({ resource, secrets: [own] });
});
