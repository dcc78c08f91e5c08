import { parseId } from '@latchkey/protocol/ids';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Account } from '../accounts/account.ts';
import type { Client } from '../clients/client.ts';
import type { AccountReader, ApiKeyReader, ClientReader } from '../ports/reader.ts';
import { isAccountLive, isClientLive } from '../tokens/liveness.ts';
import type { ApiKey } from './api-key.ts';

/** The owner of a key: the one of both that it has, undefined where the row is no longer kept. */
export interface ApiKeyOwner {
  readonly account: Account | undefined;
  readonly client: Client | undefined;
}

/** A key, and the row on which its life depends. */
export interface ApiKeyLifelines extends ApiKeyOwner {
  readonly key: ApiKey;
}

/** Loads who owns a key, by the id of the owner. */
export async function loadOwner(
  read: Pick<AccountReader, 'account'> & Pick<ClientReader, 'client'>,
  owner: string,
): Promise<ApiKeyOwner> {
  const accountId = parseId('acc', owner);
  const clientId = parseId('cli', owner);
  return {
    account: accountId === undefined ? undefined : await read.account(accountId),
    client: clientId === undefined ? undefined : await read.client(clientId),
  };
}

/** Loads a key with its owner, by its id; undefined where there is no such key. */
export async function loadApiKey(
  read: Pick<ApiKeyReader, 'apiKey'> & Parameters<typeof loadOwner>[0],
  text: string,
): Promise<ApiKeyLifelines | undefined> {
  const id = parseId('key', text);
  const key = id === undefined ? undefined : await read.apiKey(id);
  return key === undefined ? undefined : { key, ...(await loadOwner(read, key.owner)) };
}

/** Why a key is of no use any more. */
export type ApiKeyEnd = 'api_key_ended' | 'api_key_expired' | 'api_key_owner_ended';

/**
 * Says why a key is dead; undefined while it lives. It dies with its owner: a disabled account, a deleted client and a
 * cut-off of either end all of its keys at once, and none comes back when the account is enabled again.
 *
 * @spec ASVS 7.4.2 (APK-06)
 */
export function apiKeyEnd({ key, account, client }: ApiKeyLifelines, now: EpochMilliseconds): ApiKeyEnd | undefined {
  if (key.ended !== undefined) return 'api_key_ended';
  const isOwned = key.owner.startsWith('cli_') ? isClientLive(client, key.pos) : isAccountLive(account, key.pos);
  if (!isOwned) return 'api_key_owner_ended';
  return now >= key.expiresAt ? 'api_key_expired' : undefined;
}
