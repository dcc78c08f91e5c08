import { timingSafeEqual } from 'node:crypto';
import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { type ApiKeyLifelines, apiKeyEnd, loadApiKey } from '@latchkey/domain/api-keys/life';
import type { Moment, Reader } from '@latchkey/domain/ports/reader';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochMilliseconds, Sha256 } from '@latchkey/protocol/types';
import { type ApiKeyParts, parseApiKey } from '@latchkey/tokens/formats/api-key';
import { secretHash } from './secret.ts';

/** A key whose secret was proved and that lives, and until when this secret of it is good. */
export interface ProvedApiKey extends ApiKeyLifelines {
  readonly goodUntil: EpochMilliseconds;
}

/** Why a key is refused, and which it is, where there is one. */
export interface ApiKeyRefused {
  readonly error: ErrorId;
  readonly about: Readonly<Record<string, string>>;
}

/** Stands for the hash of a key that does not exist, so that an unknown one costs the same. */
const DECOY = secretHash('there is no such key');

/**
 * Proves an API key by its text: form and checksum, before anything is looked up; then the key by its id; then the
 * secret by its hash, in constant time, against the current one and the one before; then that the key lives. Whatever is
 * wrong, whoever presents it is told the same.
 *
 * @returns `api_key_malformed`, `api_key_unknown`, `api_key_secret_wrong`, `api_key_ended`, `api_key_expired`,
 *   `api_key_owner_ended`
 * @spec ASVS 6.5.2 (APK-02, APK-04)
 */
export async function proveApiKey(
  text: string,
  read: Reader,
  { now }: Pick<Moment, 'now'>,
): Promise<Result<ProvedApiKey, ApiKeyRefused>> {
  const parts = parseApiKey(text);
  if (!parts.ok) return fail({ error: parts.error, about: {} });
  const found = await loadApiKey(read, parts.value.id);
  const goodUntil = endOfSecret(found?.key, parts.value, now);
  if (found === undefined) return fail({ error: 'api_key_unknown', about: {} });
  const about = { api_key: found.key.id };
  if (goodUntil === undefined) return fail({ error: 'api_key_secret_wrong', about });
  const end = apiKeyEnd(found, now);
  return end === undefined ? ok({ ...found, goodUntil }) : fail({ error: end, about });
}

/** Until when a secret is good; undefined for one that is not. Two comparisons, whatever there is. */
function endOfSecret(
  key: ApiKey | undefined,
  { secret, environment }: ApiKeyParts,
  now: EpochMilliseconds,
): EpochMilliseconds | undefined {
  const hash = secretHash(secret);
  const isCurrent = isSame(hash, key?.secretHash ?? DECOY);
  const isPrevious = isSame(hash, key?.previous?.hash ?? DECOY);
  if (key === undefined || key.environment !== environment) return undefined;
  if (isCurrent) return key.expiresAt;
  if (!isPrevious || key.previous === undefined || now >= key.previous.until) return undefined;
  return key.previous.until < key.expiresAt ? key.previous.until : key.expiresAt;
}

const isSame = (hash: Sha256, stored: Sha256): boolean => timingSafeEqual(Buffer.from(hash), Buffer.from(stored));
