import type { Resource } from '@latchkey/domain/clients/resource';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import type { Result } from '@latchkey/protocol/result';
import { decodeUnverified, type UnverifiedToken } from '@latchkey/tokens/formats/access-token-jwt';
import { readSharedSecretToken } from '../prove/credentials/shared-secret.ts';
import type { Server } from '../server.ts';
import { audienceOf, resourceOf } from './access-token.ts';
import { eventInAudit, sharedSecretRevocation } from './events.ts';
import { type Explanation, type Finding, failed, passed } from './explanation.ts';
import { explainRecord, GET_ANOTHER, type WayToRecord } from './record.ts';

const KIND = 'an access token (JWT under a shared secret)';
const CHECKS = {
  resource: 'Is it for a resource that this server knows?',
  type: 'Is it an access token?',
  secret: 'Is the secret known that it names?',
  signature: 'Does the signature fit?',
  issuer: 'Does it say that this server issued it?',
  claims: 'Are all claims there, and of the right type?',
  known: 'Did this server make it, and is there a row of it?',
} as const;
type CheckName = keyof typeof CHECKS;

/** Which check a refusal of the decoder belongs to; any other is about claims. */
const CHECK_OF: Readonly<Partial<Record<ErrorId, CheckName>>> = {
  token_type_wrong: 'type',
  token_key_unknown: 'secret',
  token_algorithm_refused: 'secret',
  token_signature_invalid: 'signature',
  token_issuer_wrong: 'issuer',
};
const DECODED = ['type', 'secret', 'signature', 'issuer', 'claims'] as const;

/**
 * Explains a token under a secret that its API shares with the server. The API could have made it itself: so what counts
 * is the row that the server left when it made it.
 */
export const explainSharedSecretToken = (text: string, server: Server): Promise<Explanation> =>
  explainRecord(KIND, CHECKS, wayTo(text, server), server);

async function* wayTo(text: string, server: Server): WayToRecord {
  const { read } = server.store;
  const said = decodeUnverified(text);
  const audience = audienceOf(said);
  const resource = audience === undefined ? undefined : await resourceOf(audience, read);
  if (resource === undefined) {
    yield failed(
      'resource',
      `It says that it is for ${audience ?? 'nobody'}; there is no such resource here.`,
      NOT_OURS,
    );
    return undefined;
  }
  yield passed('resource', `It says that it is for ${resource.audience} (${resource.name}).`);
  const decoded = await readSharedSecretToken(text, resource, server, issuedAt(said));
  const stop = decoded.ok ? undefined : (CHECK_OF[decoded.error] ?? 'claims');
  for (const check of DECODED) {
    if (check === stop) {
      yield await failure(check, decoded, { said, resource }, server);
      return undefined;
    }
    yield passed(check, PASSED[check]);
  }
  const jti = decoded.ok ? parseId('tok', decoded.value.jti) : undefined;
  const record = jti === undefined ? undefined : await read.tokenRecord(jti);
  if (record === undefined || record.resourceId !== resource.id) {
    const event =
      jti === undefined ? undefined : await eventInAudit(jti, ['token.revoked'], 'It was revoked by itself.', read);
    yield event === undefined
      ? failed('known', `No row of it is kept: ${MAY_BE}`, FORGED)
      : failed('known', 'No row of it is kept: it was revoked.', GET_ANOTHER, event);
    return undefined;
  }
  yield passed('known', `It is the token ${record.jti}; what follows is what the server put down when it made it.`);
  return record;
}

/** The time at which a token is decoded here: whether it is over is told of its row. */
const issuedAt = (said: UnverifiedToken | undefined) => Number(said?.claims.iat);

const PASSED: Readonly<Record<(typeof DECODED)[number], string>> = {
  type: 'Its type is as it should be.',
  secret: 'The secret that it names is known.',
  signature: 'The signature fits: the server made it, or the API.',
  issuer: 'It says that this server issued it.',
  claims: 'All claims are there.',
};

async function failure(
  check: CheckName,
  decoded: Result<unknown, ErrorId>,
  { said, resource }: { readonly said: UnverifiedToken | undefined; readonly resource: Resource },
  { store: { read } }: Server,
): Promise<Finding> {
  const row = errorRow(decoded.ok ? 'token_claims_invalid' : decoded.error);
  if (check !== 'secret') return failed(check, row.description, row.mend);
  const kid = said?.header.kid;
  const revoked = kid === undefined ? undefined : await sharedSecretRevocation(kid, resource.id, read);
  return revoked === undefined
    ? failed(check, `No secret ${kid ?? '(none)'} is shared with ${resource.audience} now.`, NOT_OURS)
    : failed(check, `The secret ${String(kid)} that signed it was revoked.`, GET_ANOTHER, revoked);
}

const MAY_BE =
  'it has expired or made place for newer ones of its client, or this server did not make it. Whoever has the secret can make such a token.';
const FORGED =
  'If its time is not over, look for who has the secret, and put another in its place: latchkey resource rotate-shared-secret --revoke-others.';
const NOT_OURS = 'Check that it was copied whole, and that this server is the one that issued it.';
