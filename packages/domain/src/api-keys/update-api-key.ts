import { LIMITS } from '@latchkey/protocol/limits';
import type { ApiKeyId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { ApiKey } from './api-key.ts';
import { type ChosenTerms, termsRefused } from './check-terms.ts';
import { isOwnerLive, loadOwnerFacts, notHeld, type OwnerFacts } from './create-api-key.ts';
import { type ApiKeyLifelines, apiKeyEnd, loadApiKey } from './life.ts';
import { changedEvent, entryOf } from './writes.ts';

/** What of a key can be changed; what is not named stays. */
export type ApiKeyChanges = Partial<ChosenTerms & Pick<ApiKey, 'owner'>>;

export interface UpdateApiKeyCommand {
  readonly administrator: Administrator;
  readonly id: ApiKeyId;
  readonly changes: ApiKeyChanges;
  /** The audience of the admin API. */
  readonly adminApi: string;
}

export interface UpdateApiKeyFacts {
  readonly found: ApiKeyLifelines | undefined;
  /** The owner that the key has, and the one that it is to have, which may be the same. */
  readonly before: OwnerFacts | undefined;
  readonly after: OwnerFacts | undefined;
  readonly resource: Resource | undefined;
}

export async function loadUpdateApiKey(
  read: Reader,
  { id, changes }: Pick<UpdateApiKeyCommand, 'id' | 'changes'>,
  moment: Moment,
): Promise<UpdateApiKeyFacts> {
  const found = await loadApiKey(read, id);
  if (found === undefined) return { found, before: undefined, after: undefined, resource: undefined };
  const { key } = found;
  const before = await loadOwnerFacts(read, key.owner, moment);
  return {
    found,
    before,
    after: changes.owner === undefined ? before : await loadOwnerFacts(read, changes.owner, moment),
    resource: await read.resource(key.resource),
  };
}

/** Terms that verifiers keep, or that are part of an answer that they keep. */
const TOLD = ['scope', 'tenant', 'networks', 'quota', 'rate', 'expiresAt', 'owner'] as const;

/**
 * Decides other terms of a key that lives. Whatever verifiers know of them they ask for again, so that a key that may do
 * less does less at once; tokens that were made from it before live on for their few minutes. A key with a new owner acts
 * for that one from here on, and dies with it.
 *
 * @returns `not_found`, `api_key_over`, `scope_insufficient`, `account_outranks`,
 *   `api_key_owner_unknown`, `resource_unknown`, `limit_reached`, what `termsRefused` says
 */
export function decideUpdateApiKey(
  { found, before, after, resource }: UpdateApiKeyFacts,
  { administrator, changes, adminApi }: UpdateApiKeyCommand,
  { now, position }: Moment,
): Decision<ApiKey> {
  if (found === undefined || before === undefined || after === undefined) return refuse('not_found');
  if (apiKeyEnd(found, now) !== undefined) return refuse('api_key_over');
  const { key } = found;
  const unheld = notHeld(before, administrator, adminApi) ?? notHeld(after, administrator, adminApi);
  if (unheld !== undefined) return refuse(unheld);
  if (!isOwnerLive(after, { position })) return refuse('api_key_owner_unknown');
  if (resource === undefined) return refuse('resource_unknown');
  const wanted: ApiKey = { ...key, ...changes };
  // what it knew and the resource has forgotten meanwhile gives nothing any more, and need not be taken away first
  const known = changes.scope === undefined ? { scope: key.scope } : resource;
  const refused = termsRefused(wanted, known, now);
  if (refused !== undefined) return refuse(refused);
  const moves = wanted.owner !== key.owner;
  if (moves && after.live >= LIMITS.apiKeysPerOwnerMax) return refuse('limit_reached');

  const updated: ApiKey = {
    ...wanted,
    scope: [...new Set(wanted.scope)],
    networks: [...new Set(wanted.networks)],
    version: key.version + 1,
    pos: moves ? position : key.pos,
  };
  const isTold = TOLD.some((name) => JSON.stringify(updated[name]) !== JSON.stringify(key[name]));
  const detail = { changed: Object.keys(changes).sort().join(' ') };
  return allow(updated, [
    { kind: 'api_key.update', key: updated },
    ...(isTold ? [changedEvent(key.id, now)] : []),
    {
      kind: 'audit.append',
      entry: entryOf(updated, { event: 'api_key.updated', actor: administrator.id, at: now, detail }),
    },
  ]);
}
