import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import { milliseconds } from '@latchkey/protocol/types';
import type { Server } from '../server.ts';
import { lookAtLife } from './access-token.ts';
import { type Explanation, explanationOf, type Finding, failed, passed, timeText } from './explanation.ts';

/** What is looked at in the row of a token, in the order of an introspection. */
const CHECKS = {
  audience: 'Is it for a resource that this server knows?',
  time: 'Is it valid now?',
  token: 'Was it revoked by itself, or with everything?',
  client: 'May its client be used?',
  account: 'May its account be used?',
  session: 'Has its session ended?',
  family: 'Has its family ended?',
} as const;

export const GET_ANOTHER = 'Get a new token: by a refresh, or as the client got this one.';

/** The checks that lead from the text of a token to its row, and the row if nothing failed on the way. */
export type WayToRecord = AsyncGenerator<Finding, TokenRecord | undefined>;

/**
 * Explains a token by what was kept of it when it was made: how its row is found, then whether all that it depends on
 * still lives. Its text is told to nobody again.
 *
 * @param checks those of the way, by name, with what each asks
 */
export async function explainRecord(
  kind: string,
  checks: Readonly<Record<string, string>>,
  way: WayToRecord,
  server: Server,
): Promise<Explanation> {
  const findings: Finding[] = [];
  let step = await way.next();
  for (; step.done !== true; step = await way.next()) findings.push(step.value);
  const record = step.value;
  const all = { ...checks, ...CHECKS };
  if (record === undefined) return explanationOf(kind, all, findings, '');
  for await (const finding of look(record, server)) {
    findings.push(finding);
    if (!finding.passed) break;
  }
  const { aud, fid = record.jti } = record.claims;
  const live = `The token is live, for ${aud} only. Whoever sees it can use it, and now more than its owner have: revoke it, by latchkey token revoke --id ${fid}.`;
  return explanationOf(kind, all, findings, live);
}

async function* look({ resourceId, claims }: TokenRecord, server: Server): AsyncGenerator<Finding> {
  const { read } = server.store;
  const moment = await read.moment();
  const resource = await read.resourceById(resourceId);
  yield resource === undefined
    ? failed('audience', 'There is no such resource any more.', GET_ANOTHER)
    : passed('audience', `It is for ${resource.audience} (${resource.name}).`);
  // the row of a token with a place in a status list is kept for longer than the token is good
  const end = milliseconds(claims.exp);
  const when = timeText(end, moment.now);
  yield moment.now >= end
    ? failed('time', `It was valid until ${when}.`, GET_ANOTHER)
    : passed('time', `It is valid until ${when}.`);
  yield* lookAtLife(claims, moment, read);
}
