/** Counters that may be lost: failures and requests by address. In memory here; shared when there are many nodes. */
export interface Ephemeral {
  /**
   * Takes one from the allowance of `key`, which refills by `perMinute` up to `burst`. Resolves with 0, or with the
   * seconds to wait when nothing is left; then nothing was taken.
   */
  take(key: string, allowance: Allowance): Promise<number>;
  /** What `take` would resolve with; nothing is taken. */
  wait(key: string, allowance: Allowance): Promise<number>;
  /** Notes that a member of a group is here, and resolves with how many were within so many seconds, this one too. */
  present(group: string, member: string, seconds: number): Promise<number>;
}

export interface Allowance {
  readonly burst: number;
  readonly perMinute: number;
}
