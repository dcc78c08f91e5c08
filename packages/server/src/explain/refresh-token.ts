import type { Moment } from '@latchkey/domain/ports/reader';
import type { RefreshState, TokenFamily } from '@latchkey/domain/tokens/family';
import { type DecodedRefreshToken, decodeRefreshToken, seedMatches } from '@latchkey/tokens/formats/refresh-token';
import { seedPlace } from '../seal/places.ts';
import type { Server } from '../server.ts';
import { eventInAudit } from './events.ts';
import { type Explanation, explanationOf, type Finding, failed, passed, timeText } from './explanation.ts';
import { accountFinding, clientFinding, familyFinding, sessionFinding } from './life.ts';

const KIND = 'a refresh token';
const CHECKS = {
  form: 'Is it in the form that this server makes?',
  mac_key: 'Is the MAC key known that it names?',
  outer_mac: 'Did this server make it?',
  known: 'Is its family still kept?',
  inner_mac: "Was it made with the family's own seed?",
  delivery: 'How does it have to come in?',
  family: 'Has its family ended?',
  session: 'Has its session ended?',
  account: 'May its account be used?',
  client: 'May its client be used?',
  lifetime: 'Has the family reached its absolute end?',
  idle: 'Did it lie unused for too long?',
  generation: 'Is it the current one?',
} as const;

const NOT_OURS = 'Check that it was copied whole, and that this server is the one that issued it.';
const SIGN_IN = 'The person has to sign in again.';

/**
 * Explains a refresh token by the checks of a refresh, in their order. It only reads: the token is not used up, nothing
 * is rotated, and no successor is made.
 */
export async function explainRefreshToken(text: string, server: Server): Promise<Explanation> {
  const findings: Finding[] = [];
  for await (const finding of look(text, server)) {
    findings.push(finding);
    if (!finding.passed) break;
  }
  return explanationOf(KIND, CHECKS, findings, live(findings));
}

/** A credential that was pasted somewhere has been seen by more than its owner. */
const live = (findings: readonly Finding[]): string => {
  const generation = findings.at(-1)?.text ?? '';
  return `The token is live. ${generation} Whoever sees it can use it, and now more than its owner have: revoke it, by latchkey token revoke.`;
};

async function* look(text: string, server: Server): AsyncGenerator<Finding> {
  const { read } = server.store;
  const moment = await read.moment();
  const { macKeyOf } = await server.keys.at(moment.catalogue);
  let keyId: number | undefined;
  const formed = decodeRefreshToken(text, (id) => {
    keyId = id;
    return undefined;
  });
  if (!formed.ok && formed.error !== 'refresh_token_key_unknown')
    return yield failed('form', 'It begins like a refresh token, but is damaged or cut off.', NOT_OURS);
  yield passed('form', 'It has the form of a refresh token.');

  const decoded = decodeRefreshToken(text, macKeyOf);
  if (!decoded.ok && decoded.error === 'refresh_token_key_unknown') return yield await macKeyFinding(keyId, server);
  yield passed('mac_key', `It was made under MAC key ${String(keyId)}, which is known.`);
  if (!decoded.ok)
    return yield failed('outer_mac', 'This server did not make it, or it was changed on its way.', NOT_OURS);
  yield passed('outer_mac', 'This server made it.');

  const family = await read.family(decoded.value.familyId);
  const refresh = family?.refresh;
  if (family === undefined || refresh === undefined)
    return yield failed('known', `Its family ${decoded.value.familyId} is over, and no longer kept.`, SIGN_IN);
  yield passed('known', `It belongs to the family ${family.id}.`);
  if (!seedMatches(decoded.value, server.seal.open(seedPlace(family.id), refresh.seed)))
    return yield failed(
      'inner_mac',
      'It bears the MAC of this server, but was not made for this family.',
      'Somebody who holds the MAC key may have forged it: revoke that key, by latchkey key revoke --mac.',
    );
  yield passed('inner_mac', "It was made with the family's own seed.");
  yield passed('delivery', DELIVERY[family.delivery]);
  yield* lookAtLife(family, moment, server);
  yield* lookAtTimes(family, refresh, moment);
  yield generationFinding(decoded.value, refresh, moment);
}

const DELIVERY = {
  body: 'It was delivered in a body, and is taken from a body only.',
  cookie: 'It was delivered as a cookie, and is taken from that cookie only.',
} as const;

async function macKeyFinding(keyId: number | undefined, { store: { read } }: Server): Promise<Finding> {
  const key = (await read.macKeys()).find(({ id }) => id === keyId);
  if (key === undefined) return failed('mac_key', `There never was a MAC key ${String(keyId)} here.`, NOT_OURS);
  const why = 'The MAC key was revoked; every family under it has ended.';
  const event = await eventInAudit(String(key.id), ['mac_key.revoked'], why, read);
  return failed('mac_key', `The MAC key ${key.id} was revoked.`, SIGN_IN, event);
}

async function* lookAtLife(family: TokenFamily, { now }: Moment, { store: { read } }: Server): AsyncGenerator<Finding> {
  yield await familyFinding(family, read);
  if (family.sessionId === undefined) yield passed('session', 'It is an offline family, and belongs to no session.');
  else yield await sessionFinding(await read.session(family.sessionId), now, read);
  yield await accountFinding(await read.account(family.accountId), family.pos, read);
  yield await clientFinding(await read.client(family.clientId), family.pos, read);
}

function* lookAtTimes(family: TokenFamily, refresh: RefreshState, { now }: Moment): Generator<Finding> {
  const end = timeText(family.expiresAt, now);
  yield now >= family.expiresAt
    ? failed('lifetime', `The family ended at ${end}, however often it was refreshed.`, SIGN_IN)
    : passed('lifetime', `The family lives until ${end}.`);
  const idleEnd = refresh.lastUsedAt + refresh.idleSeconds * 1000;
  const idle = timeText(idleEnd, now);
  yield now >= idleEnd
    ? failed('idle', `It lay unused for too long: until ${idle}.`, SIGN_IN)
    : passed('idle', `It may lie unused until ${idle}.`);
}

function generationFinding(token: DecodedRefreshToken, refresh: RefreshState, { now }: Moment): Finding {
  const age = refresh.generation - token.generation;
  if (age === 0) return passed('generation', `It is the current one, generation ${token.generation}.`);
  if (age < 0)
    return failed(
      'generation',
      `It is generation ${token.generation}, but the database knows only ${refresh.generation}: the database is an older copy.`,
      'Was a backup restored? If this token is presented, its family ends and an alarm is raised.',
    );
  const overlapEnd = refresh.rotatedAt + refresh.overlapMilliseconds;
  if (age === 1 && now < overlapEnd && now >= refresh.rotatedAt)
    return passed(
      'generation',
      `It was superseded by generation ${refresh.generation}, but may be repeated until ${timeText(overlapEnd, now)}${refresh.attemptHash === undefined ? '' : ', with the attempt id of its refresh'}.`,
    );
  const when = age === 1 ? ` at ${timeText(refresh.rotatedAt, now)}` : '';
  return failed(
    'generation',
    `It is generation ${token.generation}; it was superseded${when}, and ${refresh.generation} is current now.`,
    'The client has a newer one, or should have. If this one is presented, its family ends, as after a theft.',
  );
}
