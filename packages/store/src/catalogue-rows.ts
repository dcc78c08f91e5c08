import type { Reader } from '@latchkey/domain/ports/reader';

/** Clients, resources and their secrets in memory: read by nearly every request, changed by hardly any. */
export interface CatalogueRows {
  /**
   * The same reader, with these rows from memory wherever `mayKeep` allows: where nothing of the catalogue is changed
   * that is not committed yet.
   */
  keptFor(reader: Reader, mayKeep: () => boolean): Reader;
  /** Called right after a commit that changed the catalogue, before anybody hears of it. */
  forget(): void;
}

/** @param max rows of each kind; beyond it all of that kind are read anew */
export function createCatalogueRows(max: number): CatalogueRows {
  const clients = new Map<string, unknown>();
  const secrets = new Map<string, unknown>();
  const resources = new Map<string, unknown>();
  let generation = 0;

  async function kept<T>(rows: Map<string, unknown>, id: string, mayKeep: () => boolean, read: () => Promise<T>) {
    if (!mayKeep()) return read();
    const found = rows.get(id);
    if (found !== undefined) return found as T; // of this kind and id, since nothing else is put there
    const before = generation;
    const row = await read();
    // a commit may have come between the reading and now
    if (row === undefined || generation !== before || !mayKeep()) return row;
    if (rows.size >= max) rows.clear();
    rows.set(id, Object.freeze(row));
    return row;
  }

  return {
    keptFor: (reader, mayKeep) => ({
      ...reader,
      client: (id) => kept(clients, id, mayKeep, () => reader.client(id)),
      secrets: (owner) => kept(secrets, owner, mayKeep, () => reader.secrets(owner)),
      resource: (identifier) => kept(resources, identifier, mayKeep, () => reader.resource(identifier)),
      resourceById: (id) => kept(resources, id, mayKeep, () => reader.resourceById(id)),
    }),
    forget() {
      generation += 1;
      for (const rows of [clients, secrets, resources]) rows.clear();
    },
  };
}
