import type { AccountId, ClientId } from '@latchkey/protocol/types';
import { allow, type Decision, refuse } from '../decision.ts';
import { endFamilyWrites } from '../login/end-writes.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { TokenFamily } from '../tokens/family.ts';
import type { Consent } from './consent.ts';

export interface WithdrawFacts {
  readonly consent: Consent | undefined;
  /** What the client may still use of this person's: its live families, with a session or without. */
  readonly families: readonly TokenFamily[];
}

/** Loads what `decideWithdrawConsent` looks at. */
export const loadWithdrawConsent = async (
  read: Reader,
  account: AccountId,
  client: ClientId,
  { now }: Moment,
): Promise<WithdrawFacts> => ({
  consent: await read.consent(account, client),
  families: await read.familiesOf(account, client, now),
});

/**
 * Decides that a person takes back what they allowed a client: it is asked about anew, and all that was issued to it in
 * this person's name ends, at once and everywhere.
 *
 * @returns `not_found`
 * @spec ASVS 10.7.3 (AUT-18)
 */
export function decideWithdrawConsent({ consent, families }: WithdrawFacts, { now }: Moment): Decision<undefined> {
  if (consent === undefined) return refuse('not_found');
  const { accountId, clientId } = consent;
  const ending = { reason: 'consent_withdrawn', by: accountId, at: now } as const;
  const subject = { account: accountId, client: clientId };
  return allow(undefined, [
    { kind: 'consent.withdraw', accountId, clientId },
    ...families.flatMap((family) => endFamilyWrites(family, ending)),
    { kind: 'audit.append', entry: { at: now, event: 'consent.withdrawn', actor: accountId, subject, detail: {} } },
  ]);
}
