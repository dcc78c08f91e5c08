import type { Result } from '@latchkey/protocol/result';

/**
 * Hashes passwords, a bounded number at a time: the queue has an end, beyond which the answer is `overloaded`, so that
 * a storm of logins slows down nothing but logins.
 */
export interface PasswordHasher {
  /** A PHC string of the password under today's parameters. */
  hash(password: string): Promise<Result<string, 'overloaded'>>;
  /**
   * Whether the password fits the PHC string, in any format that is known here. Without a PHC string the same work is
   * done on a decoy, and the answer is no.
   */
  verify(password: string, phc: string | undefined): Promise<Result<boolean, 'overloaded'>>;
  /** True when the PHC string was made with weaker parameters than today's. */
  isOutdated(phc: string): boolean;
}
