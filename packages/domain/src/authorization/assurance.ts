import { type EpochMilliseconds, seconds } from '@latchkey/protocol/types';
import type { Authenticated } from '../tokens/family.ts';

/** A level of assurance: what a sign-in must have been to count as so strong. */
export interface AcrLevel {
  /** Its name in `acr` and `acr_values`. */
  readonly value: string;
  /** The methods that must all have been used. @spec RFC 8176 §2 */
  readonly amr: readonly string[];
  /** How long ago it may have been; undefined where that makes no difference. */
  readonly withinSeconds?: number | undefined;
}

/** What a deployment can assure. */
export interface Assurance {
  /** The weakest first: whoever has reached one has reached all before it. */
  readonly levels: readonly AcrLevel[];
  /** By which methods people can sign in. */
  readonly methods: readonly string[];
}

/** When and how a person proved who they are. */
type Proved = Pick<Authenticated, 'authTime' | 'amr'>;

const isAllIn = ({ amr }: AcrLevel, methods: readonly string[]): boolean =>
  amr.every((method) => methods.includes(method));

/** The place of the strongest level that a sign-in has now; -1 when it has none. */
const placeOf = ({ authTime, amr }: Proved, levels: readonly AcrLevel[], now: EpochMilliseconds): number =>
  levels.findLastIndex((level) => {
    const isInTime = level.withinSeconds === undefined || seconds(now) - authTime <= level.withinSeconds;
    return isInTime && isAllIn(level, amr);
  });

const isUpTo = (value: string, place: number, levels: readonly AcrLevel[]): boolean =>
  levels.slice(0, place + 1).some((level) => level.value === value);

/** Whether a sign-in has now one of the levels that are wanted. */
export function hasLevel(
  proved: Proved,
  wanted: readonly string[],
  levels: readonly AcrLevel[],
  now: EpochMilliseconds,
): boolean {
  const place = placeOf(proved, levels, now);
  return wanted.some((value) => isUpTo(value, place, levels));
}

/** Whether somebody who signs in anew by these methods has one of the levels that are wanted. */
export function canReach(wanted: readonly string[], { levels, methods }: Assurance): boolean {
  const place = levels.findLastIndex((level) => isAllIn(level, methods));
  return wanted.some((value) => isUpTo(value, place, levels));
}

/** The levels that somebody can reach who signs in anew. */
export const reachable = (assurance: Assurance): readonly string[] =>
  assurance.levels.map(({ value }) => value).filter((value) => canReach([value], assurance));

/**
 * What tokens say of a sign-in: the first of the levels that are wanted which it has, so that whoever compares finds what
 * it asked for; else the strongest that it has.
 *
 * @spec OIDC Core §2 (`acr`), §3.1.2.1 (`acr_values` in order of preference), §5.5.1.1
 */
export function acrOf(
  proved: Proved,
  wanted: readonly string[],
  levels: readonly AcrLevel[],
  now: EpochMilliseconds,
): string | undefined {
  const place = placeOf(proved, levels, now);
  return wanted.find((value) => isUpTo(value, place, levels)) ?? levels[place]?.value;
}

/**
 * What a family may still say of the sign-in that it began with. It never says more than it did then, whatever the
 * settings say today; a level that is bound to time is over when its time is.
 *
 * @spec RFC 9470 §5, §6 (`acr` and `auth_time` of the authentication behind the token); OIDC Core §12.2
 */
export function heldAcr(
  { acr, ...proved }: Authenticated,
  levels: readonly AcrLevel[],
  now: EpochMilliseconds,
): string | undefined {
  const began = levels.findIndex(({ value }) => value === acr);
  return levels[Math.min(began, placeOf(proved, levels, now))]?.value;
}
