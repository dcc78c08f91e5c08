import type { AccountId, AttemptId, EpochMilliseconds, Sha256 } from '@latchkey/protocol/types';
import type { ParsedIdentifier } from '../accounts/identifier.ts';

/** What a link is good for. */
export type LinkPurpose = 'register' | 'verify_email' | 'reset_password' | 'sign_in' | 'set_up_administrator';

/**
 * A link that is good once, for a short time and for one thing. Of its secret there is only the hash. For one purpose
 * and subject there is one link at a time: a newer one takes the place of the one before.
 *
 * @spec ASVS 6.4.1, 6.4.3 (PWD-13); SP 800-63B-4 §3.1.3.1
 */
export interface OneTimeLink {
  readonly hash: Sha256;
  readonly purpose: LinkPurpose;
  /** Whose it is: an account's id, or the address of an account that is yet to be. */
  readonly subject: string;
  /** Undefined for an account that is yet to be. */
  readonly accountId: AccountId | undefined;
  /** The address that it was sent to: whoever uses it has shown that it is theirs. */
  readonly address: ParsedIdentifier | undefined;
  /** The login that it was asked for in: it goes on there. */
  readonly attemptId: AttemptId | undefined;
  readonly createdAt: EpochMilliseconds;
  readonly expiresAt: EpochMilliseconds;
}

/** Whether a link may be used for this now. */
export const isGoodFor = (
  link: OneTimeLink | undefined,
  purpose: LinkPurpose,
  now: EpochMilliseconds,
): link is OneTimeLink => link?.purpose === purpose && now < link.expiresAt;
