import type { AccountId, ApiKeyId } from '@latchkey/protocol/types';
import type { MailLanguage } from '../accounts/notice.ts';
import type { EndedNow } from '../administration/end-session.ts';
import { scopesOf } from '../administration/roles-of-admin-api.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment } from '../ports/reader.ts';
import type { ApiKey } from './api-key.ts';
import { type CreateApiKeyCommand, type CreateApiKeyFacts, decideCreateApiKey } from './create-api-key.ts';
import { apiKeyEnd } from './life.ts';
import { decideRotateApiKey, type OwnedApiKeyFacts, type RotateApiKeyCommand } from './rotate-api-key.ts';
import { endWrites, entryOf, tellOwner } from './writes.ts';

/** What a person wants of a key of their own: nothing that only an administrator sets. */
export interface CreateOwnApiKeyCommand
  extends Pick<
    CreateApiKeyCommand,
    'id' | 'name' | 'resource' | 'scope' | 'expiresAt' | 'secretHash' | 'adminApi' | 'language'
  > {
  readonly owner: AccountId;
}

/**
 * Decides a key that a person makes for themselves, where the resource lets people do so. It is a key like any other.
 *
 * @returns `resource_unknown`, and what `decideCreateApiKey` refuses
 * @spec ASVS 7.5.3 (APK-06: the session that asks is fresh, which its authority has shown)
 */
export function decideCreateOwnApiKey(
  facts: CreateApiKeyFacts,
  command: CreateOwnApiKeyCommand,
  moment: Moment,
): Decision<ApiKey> {
  if (facts.resource?.hasSelfServiceKeys !== true) return refuse('resource_unknown');
  const whole: CreateApiKeyCommand = {
    ...command,
    administrator: { id: command.owner, scope: scopesOf(facts.owner.roles, command.adminApi) },
    environment: 'live',
    tenant: undefined,
    networks: [],
    quota: undefined,
    rate: undefined,
    metadata: {},
  };
  return decideCreateApiKey(facts, whole, moment);
}

/**
 * Decides a new secret for a key of one's own.
 *
 * @returns `not_found` for somebody else's, and what `decideRotateApiKey` refuses
 */
export function decideRotateOwnApiKey(
  facts: OwnedApiKeyFacts,
  command: Omit<RotateApiKeyCommand, 'administrator'> & { readonly account: AccountId },
  moment: Moment,
): Decision<ApiKey> {
  const { account, adminApi } = command;
  if (facts.owner === undefined || facts.found?.key.owner !== account) return refuse('not_found');
  const administrator = { id: account, scope: scopesOf(facts.owner.roles, adminApi) };
  return decideRotateApiKey(facts, { ...command, administrator }, moment);
}

/**
 * Decides that a person ends a key of their own. One that is over already makes no event.
 *
 * @returns `not_found` for somebody else's
 */
export function decideEndOwnApiKey(
  { found, owner }: OwnedApiKeyFacts,
  { account, language }: { readonly id: ApiKeyId; readonly account: AccountId; readonly language: MailLanguage },
  { now }: Moment,
): Decision<EndedNow> {
  if (found === undefined || owner === undefined || found.key.owner !== account) return refuse('not_found');
  const { key } = found;
  if (apiKeyEnd(found, now) !== undefined) return allow('was_over');
  const reason = 'ended_by_owner';
  return allow('ended', [
    ...endWrites(key, { at: now, reason, by: account }),
    {
      kind: 'audit.append',
      entry: entryOf(key, { event: 'api_key.ended', actor: account, at: now, detail: { reason } }),
    },
    ...tellOwner('api_key_ended', { identifiers: owner.identifiers, language }, now),
  ]);
}
