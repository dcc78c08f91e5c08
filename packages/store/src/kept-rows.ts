import type { Moment, Reader } from '@latchkey/domain/ports/reader';
import type { EpochMilliseconds } from '@latchkey/protocol/types';

/** What a batch that is not committed yet has changed of the rows that are kept. */
export interface Changed {
  readonly catalogue: boolean;
  /** How far the log and the catalogue are. */
  readonly state: boolean;
}

export const UNCHANGED: Changed = { catalogue: false, state: false };
export const ALL_CHANGED: Changed = { catalogue: true, state: true };

/**
 * Rows in memory that nearly every request reads and hardly any changes: clients, resources, their secrets, and how far
 * the log and the catalogue are.
 */
export interface KeptRows {
  /** The same reader, with these rows from memory wherever nothing of them is changed that is not committed yet. */
  keptFor(reader: Reader, changed: () => Changed): Reader;
  /** Called right after a commit, with what it changed, before anybody hears of it. */
  forget(changed: Changed): void;
}

/** @param max rows of each kind; beyond it all of that kind are read anew */
export function createKeptRows(max: number, now: () => EpochMilliseconds): KeptRows {
  const clients = new Map<string, unknown>();
  const secrets = new Map<string, unknown>();
  const resources = new Map<string, unknown>();
  let state: Omit<Moment, 'now'> | undefined;
  let commits = 0; // that changed anything: one may come between a reading and the keeping of what was read

  async function kept<T>(rows: Map<string, unknown>, id: string, changed: () => Changed, read: () => Promise<T>) {
    if (changed().catalogue) return read();
    const found = rows.get(id);
    if (found !== undefined) return found as T; // of this kind and id, since nothing else is put there
    const before = commits;
    const row = await read();
    if (row === undefined || commits !== before || changed().catalogue) return row;
    if (rows.size >= max) rows.clear();
    rows.set(id, Object.freeze(row));
    return row;
  }

  async function moment(reader: Reader, changed: () => Changed): Promise<Moment> {
    if (changed().state) return reader.moment();
    if (state !== undefined) return { ...state, now: now() };
    const before = commits;
    const read = await reader.moment();
    if (commits === before && !changed().state) state = { position: read.position, catalogue: read.catalogue };
    return read;
  }

  return {
    keptFor: (reader, changed) => ({
      ...reader,
      moment: () => moment(reader, changed),
      client: (id) => kept(clients, id, changed, () => reader.client(id)),
      secrets: (owner) => kept(secrets, owner, changed, () => reader.secrets(owner)),
      resource: (identifier) => kept(resources, identifier, changed, () => reader.resource(identifier)),
      resourceById: (id) => kept(resources, id, changed, () => reader.resourceById(id)),
    }),
    forget(changed) {
      commits += 1;
      if (changed.state) state = undefined;
      if (changed.catalogue) for (const rows of [clients, secrets, resources]) rows.clear();
    },
  };
}
