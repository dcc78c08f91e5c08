import { type ApiKeyLifelines, apiKeyEnd, loadApiKey } from '@latchkey/domain/api-keys/life';
import type { Reader } from '@latchkey/domain/ports/reader';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { parseApiKey } from '@latchkey/tokens/formats/api-key';
import { proveApiKey } from '../prove/api-key.ts';
import type { Server } from '../server.ts';
import { eventOfEnd } from './events.ts';
import { type Explanation, explanationOf, type Finding, failed, passed, timeText } from './explanation.ts';

const CHECKS = {
  form: 'Is it a key, and does its checksum fit?',
  known: 'Is there a key with this id?',
  secret: 'Does the secret fit?',
  life: 'Does the key live, and its owner?',
} as const;
const NEW_ONE = 'Make a new one: latchkey api-key create.';

/** Explains an API key: the checks that it meets, in their order. Of one whose secret does not fit nothing is told. */
export async function explainApiKey(text: string, server: Server): Promise<Explanation> {
  const findings: Finding[] = [];
  for await (const finding of look(text, server)) findings.push(finding);
  const live = 'It works. If it is not where it belongs, end it: latchkey api-key revoke.';
  return explanationOf('an API key', CHECKS, findings, live);
}

async function* look(text: string, { store: { read } }: Server): AsyncGenerator<Finding> {
  const parts = parseApiKey(text);
  if (!parts.ok)
    return yield failed('form', 'It is no key, or its checksum is wrong.', 'Check that it was copied whole.');
  yield passed('form', 'It is a key, and its checksum fits.');
  const { now } = await read.moment();
  const found = await loadApiKey(read, parts.value.id);
  if (found === undefined) return yield failed('known', 'There is no key with this id.', NEW_ONE);
  const { key } = found;
  yield passed('known', `There is a key ${key.id}.`);
  const proved = await proveApiKey(text, read, { now });
  if (!proved.ok && proved.error.error === 'api_key_secret_wrong')
    return yield failed(
      'secret',
      'The secret does not fit.',
      'If it was rotated, its overlap is over: use the new one.',
    );
  yield passed('secret', 'The secret fits.');
  yield await apiKeyFinding('life', found, now, read);
}

/** Whether a key lives, and its owner: of a key itself, or of what was made of it. */
export async function apiKeyFinding(
  check: string,
  found: ApiKeyLifelines,
  now: EpochMilliseconds,
  read: Reader,
): Promise<Finding> {
  const { key } = found;
  const end = apiKeyEnd(found, now);
  if (end === 'api_key_owner_ended')
    return failed(check, `The owner ${key.owner} of the key ${key.id} has ended, and with it the key.`, NEW_ONE);
  if (key.ended !== undefined) {
    const event = await eventOfEnd('the API key', key.id, key.ended, read);
    return failed(check, `The key ${key.id} has ended.`, NEW_ONE, event);
  }
  const when = timeText(key.expiresAt, now);
  return end === undefined
    ? passed(check, `The key ${key.id} is for ${key.resource}, acts for ${key.owner}, and expires at ${when}.`)
    : failed(check, `The key ${key.id} expired at ${when}.`, NEW_ONE);
}
