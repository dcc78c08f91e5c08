import { FAILURES_MAX } from '@latchkey/domain/accounts/throttle';
import { covers, dependsOnConsent } from '@latchkey/domain/authorization/consent';
import { LIMITS } from '@latchkey/protocol/limits';
import { consentKey } from '@latchkey/testkit/memory/state';
import type { MemoryStore } from '@latchkey/testkit/memory-store';
import type { Observer } from './invariants.ts';

type State = MemoryStore['committed'];
type Family = State['families'] extends ReadonlyMap<string, infer Row> ? Row : never;

/** What must hold of every commit that is about codes, consents, sign-ins and guesses. */
export function checkGrants(before: State, after: State, observer: Observer): void {
  if (before === after) return;
  if (before.codes !== after.codes) checkCodes(before, after, observer);
  if (before.families !== after.families) checkFamilies(before, after, observer);
  if (before.consents !== after.consents) checkWithdrawals(before, after, observer);
  if (before.passwords !== after.passwords) checkGuesses(before, after, observer);
  if (before.attempts !== after.attempts) checkSignIns(before, after, observer);
}

/** A code is made under a consent where it needs one, and counts in the commit that starts its family. */
function checkCodes(before: State, after: State, observer: Observer): void {
  for (const [hash, code] of after.codes) {
    const known = before.codes.get(hash);
    const client = after.clients.get(code.clientId);
    const consent = after.consents.get(consentKey(code.accountId, code.clientId));
    if (known === undefined && client !== undefined && dependsOnConsent(client) && !covers(consent, code))
      observer.violate('C', `a code for ${client.name} that no consent covers`);
    if (known?.redeemedAt !== undefined && code.redeemedAt !== known.redeemedAt)
      observer.violate('C', 'a code counts anew');
    const isRedeemedNow = known?.redeemedAt === undefined && code.redeemedAt !== undefined;
    if (isRedeemedNow && !(after.families.has(code.familyId) && !before.families.has(code.familyId)))
      observer.violate('C', 'a code was redeemed without the start of its family');
  }
}

const hasCodes = (family: Family, { clients }: State): boolean =>
  clients.get(family.clientId)?.grantTypes.includes('authorization_code') === true;

function checkFamilies(before: State, after: State, observer: Observer): void {
  let replayed = 0;
  for (const [id, family] of after.families) {
    const known = before.families.get(id);
    if (known === family) continue;
    if (known === undefined && hasCodes(family, after)) checkStart(family, before, after, observer);
    if (
      family.ended !== undefined &&
      known?.ended === undefined &&
      family.ended.reason === 'authorization_code_replayed'
    )
      replayed += 1;
  }
  if (replayed > 1) observer.violate('C', 'one replay has ended more than its own family');
  if (replayed > 0 && after.outbox.length === before.outbox.length)
    observer.violate('C', 'a replay was noted without its alert');
}

/** A family begins from a code, under a consent where it needs one, and there are not too many. */
function checkStart(family: Family, before: State, after: State, observer: Observer): void {
  const { accountId, clientId } = family;
  const client = after.clients.get(clientId);
  const code = [...after.codes.values()].find(({ familyId }) => familyId === family.id);
  if (code?.redeemedAt === undefined || before.codes.get(code.hash)?.redeemedAt !== undefined)
    observer.violate('C', 'a family began without a code that counts');
  const consent = after.consents.get(consentKey(accountId, clientId));
  if (client !== undefined && dependsOnConsent(client) && !covers(consent, family))
    observer.violate('C', `a family of ${client.name} that no consent covers`);
  const count = [...after.families.values()].filter(
    (one) => one.accountId === accountId && one.clientId === clientId && isLive(one, after),
  ).length;
  if (count > LIMITS.familiesPerClientMax) observer.violate('C', `${count} families of one client and one account`);
}

const isLive = ({ ended, sessionId }: Family, { sessions }: State): boolean =>
  ended === undefined && (sessionId === undefined || sessions.get(sessionId)?.ended === undefined);

/** What was issued under a consent goes with it. */
function checkWithdrawals(before: State, after: State, observer: Observer): void {
  for (const [key, { accountId, clientId }] of before.consents)
    if (!after.consents.has(key))
      for (const family of after.families.values())
        if (family.accountId === accountId && family.clientId === clientId && isLive(family, after))
          observer.violate('C', 'a family outlives its consent');
}

/** Wrong guesses are counted one by one; once a password is locked, only another one begins anew. */
function checkGuesses(before: State, after: State, observer: Observer): void {
  for (const [id, { version, failures }] of after.passwords) {
    const known = before.passwords.get(id);
    if (known === undefined || known.version !== version || known.failures === failures) continue;
    if (known.failures >= FAILURES_MAX && failures < known.failures)
      observer.violate('G', `a locked password counts ${failures} guesses`);
    if (failures !== 0 && failures !== known.failures + 1)
      observer.violate('G', `${known.failures} wrong guesses became ${failures}`);
  }
}

/** However often it is sent, what was typed in one login leaves one session. */
function checkSignIns(before: State, after: State, observer: Observer): void {
  for (const [id, { progress }] of after.attempts) {
    const known = before.attempts.get(id)?.progress;
    if (known?.stage !== 'authenticated' || progress.stage !== 'authenticated') continue;
    if (progress.sessionId === known.sessionId) continue;
    if ([known, progress].every(({ sessionId }) => after.sessions.get(sessionId)?.ended === undefined))
      observer.violate('C', 'one login has left two sessions');
  }
}
