import type { EpochMilliseconds, ResourceId, Sealed } from '@latchkey/protocol/types';

/**
 * A secret that the server shares with one API, under which tokens of HS256 are made for it. It signs from `activeAt` on,
 * until a younger one does, and verifies until `retiresAt`, when the last token that it can have signed has expired.
 */
export interface SharedSecret {
  readonly kid: string;
  readonly resourceId: ResourceId;
  readonly sealed: Sealed;
  readonly createdAt: EpochMilliseconds;
  readonly activeAt: EpochMilliseconds;
  readonly retiresAt: EpochMilliseconds | undefined;
}

const isRetired = ({ retiresAt }: SharedSecret, now: EpochMilliseconds): boolean =>
  retiresAt !== undefined && now >= retiresAt;

/** The secrets under which tokens are believed. */
export const verifyingSecrets = <S extends SharedSecret>(secrets: readonly S[], now: EpochMilliseconds): readonly S[] =>
  secrets.filter((secret) => !isRetired(secret, now));

/** The secret that signs: of those whose time has come, the one that was made last. */
export function signingSecret<S extends SharedSecret>(secrets: readonly S[], now: EpochMilliseconds): S | undefined {
  const active = verifyingSecrets(secrets, now).filter(({ activeAt }) => now >= activeAt);
  return active.reduce<S | undefined>(
    (last, one) => (last === undefined || isYounger(one, last) ? one : last),
    undefined,
  );
}

const isYounger = (one: SharedSecret, other: SharedSecret): boolean =>
  one.createdAt > other.createdAt || (one.createdAt === other.createdAt && one.retiresAt === undefined);
