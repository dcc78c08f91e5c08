import type { AccountId, EpochMilliseconds } from '@latchkey/protocol/types';

/** How the password of an account is kept. */
export interface PasswordCredential {
  readonly accountId: AccountId;
  readonly version: number;
  /** The hash as a PHC string: algorithm, parameters, salt, digest. */
  readonly phc: string;
  readonly changedAt: EpochMilliseconds;
  /** Wrong guesses in a row, over all restarts. */
  readonly failures: number;
  readonly lastFailureAt: EpochMilliseconds | undefined;
}

interface Compared {
  readonly accountId: AccountId;
  readonly version: number;
  /** True where the password was right before in the same browser: what strangers guess does not count there. */
  readonly isFromKnownDevice?: boolean;
}

/** What the proof of a password found, made before the transaction; the version says of which row. */
export type PasswordProof =
  | (Compared & { readonly result: 'match'; readonly rehashed?: string })
  | (Compared & { readonly result: 'mismatch' })
  /** No such account, or one without a password: the same work was done on a decoy. */
  | { readonly result: 'no_credential'; readonly accountId: AccountId | undefined };
