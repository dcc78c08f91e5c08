import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import { decodeOpaqueToken, OPAQUE_TOKEN_PREFIX } from '@latchkey/tokens/formats/opaque-token';
import type { Server } from '../server.ts';
import { lookAtLife } from './access-token.ts';
import { eventInAudit } from './events.ts';
import { type Explanation, explanationOf, type Finding, failed, passed, timeText } from './explanation.ts';

const KIND = 'an access token (opaque)';
/** The checks of an introspection, in its order. */
const CHECKS = {
  form: 'Does it have the form of an opaque token?',
  mac_key: 'Is the MAC key known that it names?',
  mac: 'Did this server make it?',
  known: 'Is there a row of it?',
  audience: 'Is it for a resource that this server knows?',
  time: 'Is it valid now?',
  token: 'Was it revoked by itself, or with everything?',
  client: 'May its client be used?',
  account: 'May its account be used?',
  session: 'Has its session ended?',
  family: 'Has its family ended?',
} as const;

const NOT_OURS = 'Check that it was copied whole, and that this server is the one that issued it.';
const GET_ANOTHER = 'Get a new token: by a refresh, or as the client got this one.';

/** Explains an opaque token by what is kept of it. Its text is told to nobody again. */
export async function explainOpaqueToken(text: string, server: Server): Promise<Explanation> {
  const findings: Finding[] = [];
  let record: TokenRecord | undefined;
  for await (const finding of look(text, server, (found) => {
    record = found;
  })) {
    findings.push(finding);
    if (!finding.passed) break;
  }
  const what = record?.claims.fid ?? record?.jti ?? '';
  const live = `The token is live, for ${String(record?.claims.aud)} only. Whoever sees it can use it, and now more than its owner have: revoke it, by latchkey token revoke --id ${what}.`;
  return explanationOf(KIND, CHECKS, findings, live);
}

async function* look(text: string, server: Server, onRecord: (record: TokenRecord) => void): AsyncGenerator<Finding> {
  const { read } = server.store;
  const moment = await read.moment();
  const { macKeyOf } = await server.keys.at(moment.catalogue);
  let keyId: number | undefined;
  const decoded = decodeOpaqueToken(text, (id) => {
    keyId = id;
    return macKeyOf(id);
  });
  if (keyId === undefined)
    return yield failed('form', `It begins with ${OPAQUE_TOKEN_PREFIX}, but is damaged or cut off.`, NOT_OURS);
  yield passed('form', 'It has the form of an opaque token.');
  if (!decoded.ok && decoded.error === 'opaque_token_key_unknown') return yield await macKeyFinding(keyId, server);
  yield passed('mac_key', `It was made under MAC key ${keyId}, which is known.`);
  if (!decoded.ok) return yield failed('mac', 'This server did not make it, or it was changed on its way.', NOT_OURS);
  yield passed('mac', 'This server made it.');

  const { handle } = decoded.value;
  const record = await read.tokenRecordByHandle(handle);
  if (record === undefined) {
    const event = await eventInAudit(handle, ['token.revoked'], 'It was revoked by itself.', read);
    const why = event === undefined ? 'it has expired, or made place for newer ones of its client' : 'it was revoked';
    return yield failed('known', `No row of it is kept: ${why}.`, GET_ANOTHER, event);
  }
  onRecord(record);
  yield passed('known', `It is the token ${record.jti}.`);
  const resource = await read.resourceById(record.resourceId);
  yield resource === undefined
    ? failed('audience', 'There is no such resource any more.', GET_ANOTHER)
    : passed('audience', `It is for ${resource.audience} (${resource.name}).`);
  const end = timeText(record.expiresAt, moment.now);
  yield moment.now >= record.expiresAt
    ? failed('time', `It was valid until ${end}.`, GET_ANOTHER)
    : passed('time', `It is valid until ${end}.`);
  yield* lookAtLife(record.claims, moment, read);
}

async function macKeyFinding(keyId: number, { store: { read } }: Server): Promise<Finding> {
  const key = (await read.macKeys()).find(({ id }) => id === keyId);
  if (key === undefined) return failed('mac_key', `There never was a MAC key ${keyId} here.`, NOT_OURS);
  const why = 'The MAC key was revoked, and with it every opaque token under it.';
  const event = await eventInAudit(String(key.id), ['mac_key.revoked'], why, read);
  return failed('mac_key', `The MAC key ${key.id} was revoked.`, GET_ANOTHER, event);
}
