import type { AccountId } from '@latchkey/protocol/types';
import { allow, type Decision } from '../decision.ts';
import type { Moment } from '../ports/reader.ts';

/**
 * Decides that a password may be set although nobody could say whether it is known from a breach: an outage elsewhere
 * must not keep people from changing theirs. It is noted, so that it can be found later.
 *
 * @param account undefined for one that is only being made
 * @spec ASVS 6.2.12 (PWD-06)
 */
export const decideUncheckedPassword = (account: AccountId | undefined, { now }: Moment): Decision<undefined> =>
  allow(undefined, [
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'password.breach_unchecked',
        actor: 'server',
        subject: account === undefined ? {} : { account },
        detail: {},
      },
    },
  ]);
