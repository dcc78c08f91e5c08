import type { MemoryStore } from '@latchkey/testkit/memory-store';
import type { FamilyRecord } from './books.ts';
import type { Observer } from './invariants.ts';

type State = MemoryStore['committed'];

/** A change, as the events and audit rows beside it must name it. */
interface Change {
  readonly event: string;
  readonly row: string;
}

/**
 * What must hold of every commit (I6): whatever ended has its event and its audit row in the same commit, no event
 * comes without an end, and numbers of the log go up one by one.
 */
export function checkCommit(before: State, after: State, observer: Observer): void {
  if (before === after) return;
  const fresh = after.events.filter(({ seq }) => seq > before.position.seq);
  const events = new Set(fresh.map(({ kind, id }) => `${kind} ${id}`));
  const rows = after.audit.slice(before.audit.length);
  const audited = new Set(rows.flatMap(({ subject }) => Object.values(subject)));
  const changes = changesOf(before, after);
  for (const { event, row } of changes) {
    if (!events.has(event)) observer.violate('I6', `${event} ended without an event`);
    if (!audited.has(row)) observer.violate('I6', `${event} ended without an audit row`);
  }
  for (const event of events) {
    if (event.startsWith('token ') || event.startsWith('all ')) continue;
    if (!changes.some((change) => change.event === event))
      observer.violate('I6', `an event of ${event} without its end`);
  }
  fresh.forEach(({ seq }, index) => {
    if (seq !== before.position.seq + index + 1) observer.violate('I6', `event ${seq} out of order`);
  });
  const isAlerted = rows.every(
    ({ event, subject }) =>
      event !== 'refresh_token.reused' ||
      (after.outbox.length > before.outbox.length && after.families.get(subject.family ?? '')?.ended !== undefined),
  );
  if (!isAlerted) observer.violate('I3', 'a reuse was noted without its alert, or its family lives');
}

/** What a commit ended. A session that ends with its account is covered by the account's own event. */
function changesOf(before: State, after: State): readonly Change[] {
  const changes: Change[] = [];
  const add = (kind: string, id: string): void => void changes.push({ event: `${kind} ${id}`, row: id });
  const disabled = new Set<string>();
  for (const [id, { disabledAt }] of rowsOf(before.accounts, after.accounts))
    if (disabledAt !== undefined && before.accounts.get(id)?.disabledAt === undefined) {
      disabled.add(id);
      add('subject', id);
    }
  for (const [id, { ended, accountId }] of rowsOf(before.sessions, after.sessions))
    if (ended !== undefined && before.sessions.get(id)?.ended === undefined && !disabled.has(accountId))
      add('session', id);
  for (const [id, { ended, accountId }] of rowsOf(before.families, after.families))
    if (ended !== undefined && before.families.get(id)?.ended === undefined && !disabled.has(accountId))
      add('family', id);
  for (const [id, { deletedAt }] of rowsOf(before.clients, after.clients))
    if (deletedAt !== undefined && before.clients.get(id)?.deletedAt === undefined) add('client', id);
  for (const [id, { state }] of rowsOf(before.signingKeys, after.signingKeys))
    if (state === 'revoked' && before.signingKeys.get(id)?.state !== 'revoked') add('key', id);
  return changes;
}

const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();
const rowsOf = <T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
  before === after ? NOTHING : after;

/** Every rotation that was answered is on disk, whatever died since (I10). */
export function checkAnswered(state: State, families: Iterable<FamilyRecord>, observer: Observer): void {
  for (const { fid, label, age, mode, isForgotten } of families) {
    if (isForgotten) continue;
    const refresh = state.families.get(fid)?.refresh;
    const wanted = mode === 'keep' ? 0 : age;
    if (refresh === undefined || refresh.generation < wanted)
      observer.violate('I10', `${label} was answered at rotation ${wanted} and is on disk at ${refresh?.generation}`);
  }
}
