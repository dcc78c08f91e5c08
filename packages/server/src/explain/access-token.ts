import type { Resource } from '@latchkey/domain/clients/resource';
import type { Moment, Reader } from '@latchkey/domain/ports/reader';
import { type AccessTokenFacts, accessTokenEnd, loadAccessTokenFacts } from '@latchkey/domain/tokens/access-token-life';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { parsePosition } from '@latchkey/protocol/position';
import { milliseconds, type ResourceId } from '@latchkey/protocol/types';
import { decodeUnverified, type UnverifiedToken } from '@latchkey/tokens/formats/access-token-jwt';
import { readOwnAccessToken } from '../prove/own-token.ts';
import type { Server } from '../server.ts';
import { apiKeyFinding } from './api-key.ts';
import { eventInAudit } from './events.ts';
import { type Explanation, explanationOf, type Finding, failed, passed, timeText } from './explanation.ts';
import { accountFinding, clientFinding, familyFinding, sessionFinding } from './life.ts';

const KIND = 'an access token (JWT)';
/** The decoder's checks in its order, then those of the rows. */
const CHECKS = {
  form: 'Is it a compact JWS of canonical base64url with JSON inside?',
  type: 'Is it an access token?',
  key: 'Is the key known that it names, and for its algorithm?',
  signature: 'Does the signature fit?',
  issuer: 'Did this server issue it?',
  audience: 'Is it for a resource that this server knows?',
  claims: 'Are all claims there, and of the right type?',
  time: 'Is it valid now?',
  token: 'Was it revoked by itself, or with everything?',
  client: 'May its client be used?',
  account: 'May its account be used?',
  session: 'Has its session ended?',
  family: 'Has its family ended?',
} as const;
type CheckName = keyof typeof CHECKS;

/** Which check a refusal of the decoder belongs to. */
const CHECK_OF: Readonly<Partial<Record<ErrorId, CheckName>>> = {
  token_too_large: 'form',
  token_malformed: 'form',
  token_critical_header: 'form',
  token_type_wrong: 'type',
  token_key_unknown: 'key',
  token_algorithm_refused: 'key',
  token_signature_invalid: 'signature',
  token_issuer_wrong: 'issuer',
  token_audience_wrong: 'audience',
  token_claims_invalid: 'claims',
  token_expired: 'time',
  token_not_yet_valid: 'time',
};
const DECODED: readonly CheckName[] = ['form', 'type', 'key', 'signature', 'issuer', 'audience', 'claims', 'time'];

/** Explains an access token: every check of the decoder, and whether all that it depends on still lives. */
export async function explainAccessToken(text: string, server: Server): Promise<Explanation> {
  const { read } = server.store;
  const said = decodeUnverified(text);
  const audience = audienceOf(said);
  const resource = audience === undefined ? undefined : await resourceOf(audience, read);
  const typ = resource?.tokenType ?? 'at+jwt';
  const decoded = await readOwnAccessToken(text, { audience: audience ?? '', typ }, server);
  const moment = await read.moment();
  const seen: Seen = { said, audience, resource, moment };

  const findings: Finding[] = [];
  for (const check of DECODED) {
    const error = errorAt(check, decoded.ok ? undefined : decoded.error, seen);
    findings.push(
      error === undefined ? passed(check, passedText(check, seen)) : await failure(check, error, seen, server),
    );
    if (error !== undefined) return explanationOf(KIND, CHECKS, findings, '');
  }
  if (!decoded.ok) throw new Error(`a refusal of the decoder belongs to no check: ${decoded.error}`);
  for await (const finding of lookAtLife(decoded.value, moment, read)) {
    findings.push(finding);
    if (!finding.passed) break;
  }
  const what = decoded.value.fid === undefined ? decoded.value.jti : decoded.value.fid;
  const advice = `The token is live, for ${String(audience)} only. Whoever sees it can use it, and now more than its owner have: revoke it, by latchkey token revoke --id ${what}.`;
  return explanationOf(KIND, CHECKS, findings, advice);
}

/** What is known of a token without believing it. */
interface Seen {
  readonly said: UnverifiedToken | undefined;
  readonly audience: string | undefined;
  readonly resource: Resource | undefined;
  readonly moment: Moment;
}

/** The audience that a token names, believed or not. */
export function audienceOf(said: UnverifiedToken | undefined): string | undefined {
  const aud = said?.claims.aud;
  const first: unknown = Array.isArray(aud) ? aud[0] : aud;
  return typeof first === 'string' ? first : undefined;
}

/** The resource with an audience. */
export async function resourceOf(audience: string, read: Reader): Promise<Resource | undefined> {
  let after: ResourceId | undefined;
  for (let seen = 0; seen < LIMITS.resourcesKeptMax; seen += LIMITS.pageRowsMax) {
    const page = await read.resources({ after, limit: LIMITS.pageRowsMax });
    const found = page.find((resource) => resource.audience === audience);
    if (found !== undefined || page.length < LIMITS.pageRowsMax) return found;
    after = page.at(-1)?.id;
  }
  return undefined;
}

/** The refusal at one check. The decoder was told the token's own audience: whether that is anybody's is asked here. */
function errorAt(check: CheckName, error: ErrorId | undefined, { resource }: Seen): ErrorId | undefined {
  if (error !== undefined && CHECK_OF[error] === check) return error;
  return check === 'audience' && resource === undefined ? 'token_audience_wrong' : undefined;
}

const claimOf = (said: UnverifiedToken | undefined, name: string): string => {
  const value = said?.claims[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : 'nothing';
};

function passedText(check: CheckName, { said, audience, resource, moment }: Seen): string {
  switch (check) {
    case 'form':
      return 'It is a well-formed JWT.';
    case 'type':
      return `Its type is ${said?.header.typ ?? 'none'}, as it should be.`;
    case 'key':
      return `Its key ${said?.header.kid ?? '(the only one)'} is known, for ${said?.header.alg ?? 'its algorithm'}.`;
    case 'signature':
      return 'The signature fits.';
    case 'issuer':
      return 'This server issued it.';
    case 'audience':
      return `It is for ${audience ?? ''} (${resource?.name ?? ''}).`;
    case 'claims':
      return 'All claims are there.';
    default:
      return `It is valid until ${timeText(Number(claimOf(said, 'exp')) * 1000, moment.now)}.`;
  }
}

/** What failed, with what the token itself says about it. */
async function failure(check: CheckName, error: ErrorId, seen: Seen, server: Server): Promise<Finding> {
  const { description, mend } = errorRow(error);
  const { said, moment } = seen;
  const kid = said?.header.kid;
  const key = kid === undefined ? undefined : (await server.store.read.signingKeys()).find((row) => row.kid === kid);
  if (error === 'token_key_unknown' && key?.state === 'revoked') {
    const row = errorRow('token_key_revoked');
    const why = 'The key was revoked, and with it everything that it had signed.';
    const event = await eventInAudit(key.kid, ['key.revoked'], why, server.store.read);
    return failed(check, `The key ${key.kid} that signed it was revoked.`, row.mend, event);
  }
  return failed(check, [description, moreText(error, seen, server.settings.issuer)].filter(Boolean).join(' '), mend);

  function moreText(id: ErrorId, { audience }: Seen, issuer: string): string {
    switch (id) {
      case 'token_key_unknown':
      case 'token_issuer_wrong':
        return `The token says that ${claimOf(said, 'iss')} issued it; this server is ${issuer}. It names the key ${kid ?? '(none)'}.`;
      case 'token_type_wrong':
        return `Its type is ${said?.header.typ ?? 'none'}.`;
      case 'token_audience_wrong':
        return `It says that it is for ${audience ?? 'nobody'}; there is no such resource here.`;
      case 'token_expired':
        return `It was valid until ${timeText(Number(claimOf(said, 'exp')) * 1000, moment.now)}.`;
      case 'token_not_yet_valid':
        return `It was issued at ${claimOf(said, 'iat')}, the server's clock says ${Math.floor(moment.now / 1000)}.`;
      default:
        return '';
    }
  }
}

const BEGINNING = { epoch: 0, seq: 0 } as const;

/** Whether all that a token depends on still lives, in the order in which it is decided. */
export async function* lookAtLife(claims: AccessTokenClaims, moment: Moment, read: Reader): AsyncGenerator<Finding> {
  const facts = await loadAccessTokenFacts(read, claims, moment);
  const pos = parsePosition(claims.pos ?? '') ?? BEGINNING;
  yield await tokenFinding(claims, facts, moment, read);
  if (claims.api_key !== undefined)
    yield facts.apiKey === undefined
      ? failed('api_key', `The key ${claims.api_key} that it was made of is no longer kept.`, 'Get a new key.')
      : await apiKeyFinding('api_key', facts.apiKey, moment.now, read);
  if (claims.client_id === claims.api_key) yield passed('client', 'No client asked for it: its API key was enough.');
  else yield await clientFinding(facts.client, pos, read);
  if (claims.sub === claims.client_id) yield passed('account', 'It is a machine token: it belongs to its client.');
  else if (facts.owner !== undefined) yield { ...(await clientFinding(facts.owner, pos, read)), check: 'account' };
  else yield await accountFinding(facts.account, pos, read);
  if (claims.sid === undefined && facts.family?.sessionId === undefined)
    yield passed('session', 'It belongs to no session.');
  else yield await sessionFinding(facts.session, moment.now, read);
  if (claims.fid === undefined) yield passed('family', 'It belongs to no family.');
  else if (facts.family === undefined)
    yield failed('family', `Its family ${claims.fid} is over, and no longer kept.`, 'The person has to sign in again.');
  else yield await familyFinding(facts.family, read);
}

async function tokenFinding(
  claims: AccessTokenClaims,
  facts: AccessTokenFacts,
  moment: Moment,
  read: Reader,
): Promise<Finding> {
  const end = accessTokenEnd(facts, claims, moment);
  if (end === 'token') {
    const event = await eventInAudit(claims.jti, ['token.revoked'], 'It was revoked by its id.', read);
    return failed('token', `The token ${claims.jti} was revoked by itself.`, 'Get a new token.', event);
  }
  if (end === 'everything')
    return failed(
      'token',
      'Everything that was issued before a restored backup has ended.',
      'The person has to sign in again; a client gets a new token.',
    );
  const issued = timeText(milliseconds(claims.iat), moment.now);
  return passed('token', `The token ${claims.jti}, issued at ${issued}, was not revoked by itself.`);
}
