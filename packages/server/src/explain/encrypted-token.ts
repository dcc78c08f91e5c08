import { encryptedTokenHandle, encryptedTokenKeyId } from '@latchkey/tokens/formats/encrypted-token';
import type { Server } from '../server.ts';
import { eventInAudit } from './events.ts';
import { type Explanation, failed, passed } from './explanation.ts';
import { explainRecord, GET_ANOTHER, type WayToRecord } from './record.ts';

const KIND = 'an access token (JWE)';
const CHECKS = {
  form: 'Is it a compact JWE that this server could have made?',
  known: 'Did this server make it, and is there a row of it?',
  key: 'Is it encrypted to the key that its API has now?',
} as const;

/** Explains an encrypted token by what was kept under the hash of its text: only its API can read it. */
export const explainEncryptedToken = (text: string, server: Server): Promise<Explanation> =>
  explainRecord(KIND, CHECKS, wayTo(text, server), server);

async function* wayTo(text: string, { store: { read } }: Server): WayToRecord {
  const handle = encryptedTokenHandle(text);
  if (handle === undefined) {
    yield failed('form', 'It is no JWE of ours: damaged, cut off, or encrypted in another way.', NOT_OURS);
    return undefined;
  }
  yield passed('form', 'It is a well-formed JWE.');
  const record = await read.tokenRecordByHandle(handle);
  if (record === undefined) {
    const event = await eventInAudit(handle, ['token.revoked'], 'It was revoked by itself.', read);
    yield event === undefined
      ? failed('known', `No row of it is kept: ${MAY_BE}`, NOT_OURS)
      : failed('known', 'No row of it is kept: it was revoked.', GET_ANOTHER, event);
    return undefined;
  }
  yield passed('known', `It is the token ${record.jti}.`);
  const keyId = encryptedTokenKeyId(text) ?? '(none)';
  const now = (await read.resourceById(record.resourceId))?.encryptionKey?.kid;
  yield passed(
    'key',
    keyId === now
      ? `It is encrypted to ${keyId}, the key that its API has now.`
      : `It is encrypted to ${keyId}; new ones are not, and the API needs that key until this one has expired.`,
  );
  return record;
}

const MAY_BE =
  'it was changed on its way, it has expired or made place for newer ones of its client, or somebody else made it. Whoever knows the public key of an API can encrypt to it.';
const NOT_OURS = 'Check that it was copied whole, and that this server is the one that issued it.';
