import { dayOf, type KeyUsage } from '@latchkey/domain/api-keys/usage';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds, EpochSeconds } from '@latchkey/protocol/types';
import { firstToExpire, type MemoryState, usageKey, withoutRow, withUsage } from './state.ts';

/** The state without so many of its dead rows, and how many went. */
export function expireRows(
  state: MemoryState,
  now: EpochMilliseconds,
  limit: number,
): { readonly state: MemoryState; readonly removed: number } {
  const before = now - DURATIONS.eventRetention * 1000;
  let left = limit;
  const without = <T extends object>(rows: ReadonlyMap<string, T>, isDead: (row: T) => boolean) => {
    const dead = [...rows].filter(([, row]) => isDead(row)).slice(0, left);
    left -= dead.length;
    if (dead.length === 0) return rows;
    const kept = new Map(rows);
    for (const [key] of dead) kept.delete(key);
    return kept;
  };
  const attempts = without(state.attempts, ({ expiresAt }) => expiresAt <= now);
  const links = without(state.links, ({ expiresAt }) => expiresAt <= now);
  const tokenRecords = without(
    new Map([...state.tokenRecords].sort(([, a], [, b]) => firstToExpire(a, b))),
    ({ expiresAt }) => expiresAt <= now,
  );
  const named = new Set([...tokenRecords.values()].map(({ status }) => status?.list));
  const newest = Math.max(...[...state.statusLists.values()].map(({ number }) => number));
  const statusLists = without(state.statusLists, ({ number }) => number < newest && !named.has(number));
  const oldest = Math.min(...[...statusLists.values()].map(({ number }) => number));
  const statusIndexes = without(state.statusIndexes, ({ list }) => list < oldest);
  const codes = without(state.codes, ({ createdAt }) => createdAt < now - DURATIONS.codeMax * 1000);
  const replays = without(state.replays, ({ expiresAt }) => expiresAt <= now);
  const deadEvents = state.events.filter(({ exp }) => exp <= Math.floor(now / 1000)).slice(0, left);
  left -= deadEvents.length;
  const isGone = (row: { readonly ended: { readonly at: number } | undefined; readonly expiresAt: number }) =>
    row.expiresAt < before || (row.ended !== undefined && row.ended.at < before);
  const isLongAgo = (at: number | undefined): boolean => at !== undefined && at < before;
  const families = without(
    state.families,
    (family) =>
      isGone(family) ||
      (family.sessionId !== undefined && isLongAgo(state.sessions.get(family.sessionId)?.ended?.at)) ||
      isLongAgo(state.clients.get(family.clientId)?.deletedAt),
  );
  const inUse = new Set([...families.values()].map(({ sessionId }) => sessionId));
  const sessions = without(state.sessions, (session) => isGone(session) && !inUse.has(session.id));
  const secrets = without(state.secrets, ({ expiresAt }) => expiresAt !== undefined && expiresAt < before);
  const consents = without(state.consents, ({ clientId }) => isLongAgo(state.clients.get(clientId)?.deletedAt));
  const allowed = new Set([...consents.values()].map(({ clientId }) => clientId));
  const used = new Set([...families.values()].map(({ clientId }) => clientId));
  const clients = without(
    state.clients,
    ({ id, deletedAt }) => deletedAt !== undefined && deletedAt < before && !used.has(id) && !allowed.has(id),
  );
  const longAgo = now - DURATIONS.apiKeyKept * 1000;
  const apiKeys = without(
    state.apiKeys,
    ({ expiresAt, ended }) => expiresAt < longAgo || (ended !== undefined && ended.at < longAgo),
  );
  const quotas = without(state.quotas, ({ endsAt }) => endsAt < Math.floor(before / 1000));
  const leases = without(state.leases, ({ until }) => until < Math.floor(now / 1000) - DURATIONS.leaseGrace);
  const verifiers = without(state.verifiers, ({ seenAt }) => seenAt < now - DURATIONS.verifierInstance * 1000);
  const days = without(
    state.usage,
    ({ span, startsAt }) => span === 'day' && startsAt < Math.floor(now / 1000) - DURATIONS.usageDays,
  );
  const usage = rollUp(days, dayOf((Math.floor(now / 1000) - DURATIONS.usageHours) as EpochSeconds), left);
  left -= usage.removed;
  const events = deadEvents.length === 0 ? state.events : state.events.filter((event) => !deadEvents.includes(event));
  return {
    state: {
      ...state,
      attempts,
      links,
      tokenRecords,
      statusLists,
      statusIndexes,
      codes,
      replays,
      consents,
      events,
      families,
      sessions,
      secrets,
      clients,
      apiKeys,
      quotas,
      leases,
      verifiers,
      usage: usage.rows,
    },
    removed: limit - left,
  };
}

/** Makes days of the oldest hours in which keys were used. */
function rollUp(rows: MemoryState['usage'], before: EpochSeconds, limit: number) {
  const hours = [...rows.values()]
    .filter(({ span, startsAt }) => span === 'hour' && startsAt < before)
    .sort((a, b) => a.startsAt - b.startsAt || (a.apiKey < b.apiKey ? -1 : 1))
    .slice(0, limit);
  const toDay = (hour: KeyUsage): KeyUsage => ({ ...hour, span: 'day', startsAt: dayOf(hour.startsAt) });
  const rolled = hours.reduce((left, hour) => withUsage(withoutRow(left, usageKey(hour)), toDay(hour)), rows);
  return { rows: rolled, removed: hours.length };
}
