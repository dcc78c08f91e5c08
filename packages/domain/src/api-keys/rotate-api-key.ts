import { type ApiKeyId, later, type Sha256 } from '@latchkey/protocol/types';
import type { MailLanguage } from '../accounts/notice.ts';
import type { Administrator } from '../administration/scopes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { ApiKey } from './api-key.ts';
import { loadOwnerFacts, notHeld, type OwnerFacts } from './create-api-key.ts';
import { type ApiKeyLifelines, apiKeyEnd, loadApiKey } from './life.ts';
import { changedEvent, entryOf, tellOwner } from './writes.ts';

export interface RotateApiKeyCommand {
  readonly administrator: Administrator;
  readonly id: ApiKeyId;
  readonly secretHash: Sha256;
  /** How long what it replaces stays good: time to bring the new secret to where it is used. */
  readonly overlapSeconds: number;
  /** The audience of the admin API. */
  readonly adminApi: string;
  readonly language: MailLanguage;
}

export interface OwnedApiKeyFacts {
  readonly found: ApiKeyLifelines | undefined;
  readonly owner: OwnerFacts | undefined;
}

/** Loads a key and its owner. */
export async function loadOwnedApiKey(
  read: Reader,
  { id }: { readonly id: ApiKeyId },
  moment: Moment,
): Promise<OwnedApiKeyFacts> {
  const found = await loadApiKey(read, id);
  return { found, owner: found === undefined ? undefined : await loadOwnerFacts(read, found.key.owner, moment) };
}

/**
 * Decides that a new secret takes the place of the one that a key has, which stays good for the overlap. One that was
 * replaced before is over at once: two are good at a time, never three. Verifiers ask again about either, and so learn
 * when the old one ends.
 *
 * @returns `not_found`, `api_key_over`, `scope_insufficient`, `account_outranks`
 * @spec ASVS 13.3 (APK-03)
 */
export function decideRotateApiKey(
  { found, owner }: OwnedApiKeyFacts,
  { administrator, secretHash, overlapSeconds, adminApi, language }: RotateApiKeyCommand,
  { now }: Moment,
): Decision<ApiKey> {
  if (found === undefined || owner === undefined) return refuse('not_found');
  const { key } = found;
  if (apiKeyEnd(found, now) !== undefined) return refuse('api_key_over');
  const unheld = notHeld(owner, administrator, adminApi);
  if (unheld !== undefined) return refuse(unheld);
  const until = later(now, overlapSeconds * 1000);
  const rotated: ApiKey = {
    ...key,
    version: key.version + 1,
    secretHash,
    previous: until > now ? { hash: key.secretHash, until } : undefined,
  };
  const detail = { overlap_seconds: overlapSeconds };
  return allow(rotated, [
    { kind: 'api_key.update', key: rotated },
    changedEvent(key.id, now),
    {
      kind: 'audit.append',
      entry: entryOf(key, { event: 'api_key.rotated', actor: administrator.id, at: now, detail }),
    },
    ...tellOwner('api_key_rotated', { identifiers: owner.identifiers, language }, now),
  ]);
}
