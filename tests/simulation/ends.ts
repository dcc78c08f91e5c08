import type { AccessRecord, FamilyRecord, RefreshRecord } from './books.ts';
import type { Observer } from './invariants.ts';

/** Something that somebody ended, and what of it is certain: from when on it may, and from when on it must hold. */
export interface End {
  readonly what: string;
  /** Observer's time at which it was asked for. */
  readonly began: number;
  /** Observer's time at which it was answered; undefined while nobody knows. */
  acknowledged: number | undefined;
  /** True time of the answer, in milliseconds. */
  acknowledgedAt: number;
  /** Whether a token has certainly ended by it, once it is answered. */
  covers(token: Credential): boolean;
  /** Whether it may have: the token came to be at the same time. */
  mayCover(token: Credential): boolean;
}

/** What ends are about: of an access token or a refresh token. */
export interface Credential {
  readonly fid: string;
  readonly sid: string;
  readonly sub: string;
  readonly client: string;
  /** Observer's times between which it came to be; only the later one where the earlier does not matter. */
  readonly arrived?: number;
  readonly decided: number;
  /** Observer's time of the last consent that may count for it; only for what has not begun yet. */
  readonly consented?: number;
  readonly jti?: string;
  readonly kid?: string;
  readonly macKey?: number;
}

/** A refresh token dies with its family, so when the family began is what counts. */
export const credentialOf = ({ family, macKey }: RefreshRecord): Credential => ({ ...ofFamily(family), macKey });
export const ofFamily = ({ fid, sid, sub, client, arrived, decided }: FamilyRecord): Credential => ({
  fid,
  sid,
  sub,
  client,
  arrived,
  decided,
});

/** What ends when a person takes back what they allowed a client: all that no later consent covers. */
export const takenBack =
  (sub: string, client: string) =>
  (token: Credential, began: number): boolean =>
    token.sub === sub && token.client === client && (token.consented ?? token.decided) < began;

export interface Ends {
  /** Somebody asks for an end; what is known to have ended by its answer only may have begun before. */
  begin(what: string, covers: (token: Credential, began: number) => boolean, began?: number): End;
  /** It was answered: from now on it must hold. */
  acknowledge(end: End): void;
  /** Whether it was answered before this time of the observer that such a token has ended. */
  isEnded(token: Credential, before: number): End | undefined;
  /** Whether nobody had asked for its end before this time of the observer, but for those ends that are named. */
  isUntouched(token: Credential, before: number, but?: readonly End[]): boolean;
  /** Whether nobody has ever asked for its end, in this database or in one that was replaced by an older one. */
  isUnasked(token: Credential): boolean;
  /** The first end of a token that was answered before this true time. */
  endedAt(token: AccessRecord, before: number): End | undefined;
  /**
   * The database is older now: ends that were not answered by then may be gone, and of families that began later it
   * knows nothing, so that nobody can end them any more.
   */
  restoredTo(time: number, lost: readonly string[]): void;
}

export function createEnds(observer: Observer): Ends {
  let ends: End[] = [];
  const asked: End[] = [];
  const lostFamilies = new Set<string>();
  let restoredAt = 0;
  return {
    begin(what, covers, began = observer.tick()) {
      const end: End = {
        what,
        began,
        acknowledged: undefined,
        acknowledgedAt: Number.POSITIVE_INFINITY,
        covers: (token) => covers(token, began),
        mayCover({ consented: _, ...token }) {
          const decided = token.arrived ?? token.decided;
          return covers({ ...token, decided }, end.acknowledged ?? Number.POSITIVE_INFINITY);
        },
      };
      ends.push(end);
      asked.push(end);
      return end;
    },
    acknowledge(end) {
      end.acknowledged ??= observer.tick();
      end.acknowledgedAt = Math.min(end.acknowledgedAt, observer.now());
    },
    isEnded: (token, before) =>
      ends.find((end) => end.acknowledged !== undefined && end.acknowledged < before && end.covers(token)),
    isUntouched: (token, before, but = []) =>
      !ends.some((end) => end.began < before && !but.includes(end) && end.mayCover(token)),
    isUnasked(token) {
      // a session that ended may be back with an older database: what begins in it then is younger than its end
      const first = { ...token, arrived: 0, decided: 0 };
      return !asked.some((end) => end.mayCover(token) || (end.began < restoredAt && end.mayCover(first)));
    },
    endedAt: (token, before) =>
      lostFamilies.has(token.fid) ? undefined : ends.find((end) => end.acknowledgedAt < before && end.covers(token)),
    restoredTo(time, lost) {
      restoredAt = observer.tick();
      for (const fid of lost) lostFamilies.add(fid);
      ends = ends.filter(({ began }) => began < time);
      for (const end of ends) {
        if (end.acknowledged === undefined || end.acknowledged < time) continue;
        end.acknowledged = undefined;
        end.acknowledgedAt = Number.POSITIVE_INFINITY;
      }
    },
  };
}
