/** Who was here lately, by group: each member is one number, the time at which it is forgotten. */
export interface Presence {
  note(group: string, member: string, milliseconds: number): number;
}

/**
 * Presence in this process's memory. Of a group with more members than it may have, and beyond so many groups, those
 * that were noted longest ago are forgotten first.
 */
export function createPresence(monotonic: () => number, groupsMax: number, membersMax: number): Presence {
  const groups = new Map<string, Map<string, number>>();

  function dropFirst<T>(entries: Map<string, T>, max: number): void {
    for (const key of entries.keys()) {
      if (entries.size <= max) return;
      entries.delete(key);
    }
  }

  return {
    note(group, member, milliseconds) {
      const now = monotonic();
      const members = groups.get(group) ?? new Map<string, number>();
      groups.delete(group);
      groups.set(group, members);
      members.delete(member);
      members.set(member, now + milliseconds);
      for (const [other, until] of members) if (until <= now) members.delete(other);
      dropFirst(members, membersMax);
      dropFirst(groups, groupsMax);
      return members.size;
    },
  };
}
