import { decodeOpaqueToken, OPAQUE_TOKEN_PREFIX } from '@latchkey/tokens/formats/opaque-token';
import type { Server } from '../server.ts';
import { eventInAudit } from './events.ts';
import { type Explanation, type Finding, failed, passed } from './explanation.ts';
import { explainRecord, GET_ANOTHER, type WayToRecord } from './record.ts';

const KIND = 'an access token (opaque)';
const CHECKS = {
  form: 'Does it have the form of an opaque token?',
  mac_key: 'Is the MAC key known that it names?',
  mac: 'Did this server make it?',
  known: 'Is there a row of it?',
} as const;

const NOT_OURS = 'Check that it was copied whole, and that this server is the one that issued it.';

/** Explains an opaque token by what is kept of it, in the order of an introspection. */
export const explainOpaqueToken = (text: string, server: Server): Promise<Explanation> =>
  explainRecord(KIND, CHECKS, wayTo(text, server), server);

async function* wayTo(text: string, server: Server): WayToRecord {
  const { read } = server.store;
  const { catalogue } = await read.moment();
  const { macKeyOf } = await server.keys.at(catalogue);
  let keyId: number | undefined;
  const decoded = decodeOpaqueToken(text, (id) => {
    keyId = id;
    return macKeyOf(id);
  });
  if (keyId === undefined) {
    yield failed('form', `It begins with ${OPAQUE_TOKEN_PREFIX}, but is damaged or cut off.`, NOT_OURS);
    return undefined;
  }
  yield passed('form', 'It has the form of an opaque token.');
  if (!decoded.ok && decoded.error === 'opaque_token_key_unknown') {
    yield await macKeyFinding(keyId, server);
    return undefined;
  }
  yield passed('mac_key', `It was made under MAC key ${keyId}, which is known.`);
  if (!decoded.ok) {
    yield failed('mac', 'This server did not make it, or it was changed on its way.', NOT_OURS);
    return undefined;
  }
  yield passed('mac', 'This server made it.');

  const { handle } = decoded.value;
  const record = await read.tokenRecordByHandle(handle);
  if (record === undefined) {
    const event = await eventInAudit(handle, ['token.revoked'], 'It was revoked by itself.', read);
    const why = event === undefined ? 'it has expired, or made place for newer ones of its client' : 'it was revoked';
    yield failed('known', `No row of it is kept: ${why}.`, GET_ANOTHER, event);
    return undefined;
  }
  yield passed('known', `It is the token ${record.jti}.`);
  return record;
}

async function macKeyFinding(keyId: number, { store: { read } }: Server): Promise<Finding> {
  const key = (await read.macKeys()).find(({ id }) => id === keyId);
  if (key === undefined) return failed('mac_key', `There never was a MAC key ${keyId} here.`, NOT_OURS);
  const why = 'The MAC key was revoked, and with it every opaque token under it.';
  const event = await eventInAudit(String(key.id), ['mac_key.revoked'], why, read);
  return failed('mac_key', `The MAC key ${key.id} was revoked.`, GET_ANOTHER, event);
}
