import type { ApiKeyId } from '@latchkey/protocol/types';
import type { MailLanguage } from '../accounts/notice.ts';
import type { EndedNow } from '../administration/end-session.ts';
import type { ProvedClient } from '../clients/client.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment } from '../ports/reader.ts';
import type { Revoked } from '../tokens/revocation.ts';
import { apiKeyEnd } from './life.ts';
import type { OwnedApiKeyFacts } from './rotate-api-key.ts';
import { endWrites, entryOf, tellOwner } from './writes.ts';

export interface EndApiKeyCommand {
  readonly id: ApiKeyId;
  /** Who ends it, for the log. */
  readonly by: string;
  readonly language: MailLanguage;
}

/**
 * Decides that an administrator ends a key: for good, at every reader at once, with all that was made from it. One that
 * is over already makes no event.
 *
 * @returns `not_found`
 */
export function decideEndApiKey(
  { found, owner }: OwnedApiKeyFacts,
  { by, language }: EndApiKeyCommand,
  { now }: Moment,
): Decision<EndedNow> {
  if (found === undefined || owner === undefined) return refuse('not_found');
  const { key } = found;
  const end = apiKeyEnd(found, now);
  if (end === 'api_key_ended' || end === 'api_key_expired') return allow('was_over');
  const reason = 'ended_by_administrator';
  return allow('ended', [
    ...endWrites(key, { at: now, reason, by }),
    { kind: 'audit.append', entry: entryOf(key, { event: 'api_key.ended', actor: by, at: now, detail: { reason } }) },
    ...tellOwner('api_key_ended', { identifiers: owner.identifiers, language }, now),
  ]);
}

/**
 * Decides that the client that owns a key gives it back. Its secret was proved before the transaction.
 *
 * @returns `token_of_other_client`, `client_changed`
 * @spec RFC 7009 §2.1
 */
export function decideGiveBackApiKey(
  { found }: OwnedApiKeyFacts,
  client: ProvedClient,
  { now }: Moment,
): Decision<Revoked> {
  if (found === undefined) return allow('nothing_to_revoke');
  const { key } = found;
  if (key.owner !== client.id) return refuse('token_of_other_client');
  if (apiKeyEnd(found, now) !== undefined) return allow('nothing_to_revoke');
  if (found.client?.version !== client.version) return refuse('client_changed');
  const reason = 'revoked_by_client';
  return allow(
    'revoked',
    [
      ...endWrites(key, { at: now, reason, by: client.id }),
      {
        kind: 'audit.append',
        entry: entryOf(key, { event: 'api_key.ended', actor: client.id, at: now, detail: { reason } }),
      },
    ],
    [{ table: 'client', id: client.id, version: client.version }],
  );
}

/**
 * Decides what becomes of a key whose secret somebody has found and reported. Whoever holds it could use it; so may they
 * end it. It is an alert, and the owner is told.
 */
export function decideEndLeakedApiKey(
  { found, owner }: OwnedApiKeyFacts,
  { language }: Pick<EndApiKeyCommand, 'language'>,
  { now }: Moment,
): Decision<EndedNow> {
  if (found === undefined || owner === undefined || apiKeyEnd(found, now) !== undefined) return allow('was_over');
  const { key } = found;
  return allow('ended', [
    ...endWrites(key, { at: now, reason: 'leaked', by: 'server' }),
    { kind: 'alert.raise', entry: entryOf(key, { event: 'api_key.leaked', actor: 'server', at: now }) },
    ...tellOwner('api_key_leaked', { identifiers: owner.identifiers, language }, now),
  ]);
}
