import type { Identifier } from '@latchkey/domain/accounts/account';
import type { AuditEntry } from '@latchkey/domain/audit';
import type { OneTimeLink } from '@latchkey/domain/login/one-time-link';
import { WriteConflict } from '@latchkey/domain/ports/store';
import type { RowVersion } from '@latchkey/domain/row-version';
import type { RefreshState, TokenFamily } from '@latchkey/domain/tokens/family';
import type { TokenRecord } from '@latchkey/domain/tokens/token-record';
import type { Write } from '@latchkey/domain/write';
import {
  consentKey,
  firstToExpire,
  type MemoryState,
  placeKey,
  quotaKey,
  replayKey,
  subjectKey,
  withoutRow,
  withRow,
  withUsage,
} from './state.ts';

type AuditMac = (bytes: Uint8Array) => Uint8Array;
type Apply = {
  readonly [K in Write['kind']]: (state: MemoryState, write: Extract<Write, { kind: K }>, mac: AuditMac) => MemoryState;
};

/** The row, or a conflict when there is none as the decision saw it. */
function found<T>(row: T | undefined, isAsSeen: (row: T) => boolean = () => true): T {
  if (row === undefined || !isAsSeen(row)) throw new WriteConflict('no row as the decision saw it');
  return row;
}

function isFree<T>(row: T | undefined): void {
  if (row !== undefined) throw new WriteConflict('there is such a row already');
}

const grown = (state: MemoryState): MemoryState => ({ ...state, catalogue: state.catalogue + 1 });

/** Changes the refresh token of a live family of one generation. */
function refreshed(
  state: MemoryState,
  id: string,
  generation: number,
  change: (refresh: RefreshState) => Partial<RefreshState>,
): MemoryState {
  const family = found(state.families.get(id), ({ ended }) => ended === undefined);
  const refresh = found(family.refresh, (row) => row.generation === generation);
  const changed = { ...family, refresh: { ...refresh, ...change(refresh) } };
  return { ...state, families: withRow(state.families, id, changed) };
}

function endFamilies(
  state: MemoryState,
  ended: TokenFamily['ended'],
  which: (family: TokenFamily) => boolean,
): MemoryState {
  const families = new Map(state.families);
  for (const [id, family] of families)
    if (family.ended === undefined && which(family)) families.set(id, { ...family, ended });
  return { ...state, families };
}

const roleKey = ({ accountId, resource, role }: { accountId: string; resource: string; role: string }) =>
  JSON.stringify([accountId, resource, role]);

/** One entry per kind of write; the compiler refuses this file when a kind is missing. */
const APPLY: Apply = {
  'account.create'(state, { account, identifiers }) {
    isFree(state.accounts.get(account.id));
    let names = state.identifiers;
    for (const identifier of identifiers) {
      isFree<Identifier>(names.get(identifier.normalised));
      names = withRow(names, identifier.normalised, identifier);
    }
    return { ...state, accounts: withRow(state.accounts, account.id, account), identifiers: names };
  },
  'account.disable'(state, { id, at }) {
    const row = found(state.accounts.get(id), ({ disabledAt }) => disabledAt === undefined);
    return { ...state, accounts: withRow(state.accounts, id, { ...row, version: row.version + 1, disabledAt: at }) };
  },
  'account.enable'(state, { id }) {
    const row = found(state.accounts.get(id), ({ disabledAt }) => disabledAt !== undefined);
    const enabled = { ...row, version: row.version + 1, disabledAt: undefined };
    return { ...state, accounts: withRow(state.accounts, id, enabled) };
  },
  'password.set'(state, { id, phc, at }) {
    const version = (state.passwords.get(id)?.version ?? 0) + 1;
    const row = { accountId: id, version, phc, changedAt: at, failures: 0, lastFailureAt: undefined };
    return { ...state, passwords: withRow(state.passwords, id, row) };
  },
  'password.rehash'(state, { id, version, phc }) {
    const row = state.passwords.get(id);
    if (row?.version !== version) return state;
    return { ...state, passwords: withRow(state.passwords, id, { ...row, phc }) };
  },
  'password.fail'(state, { id, at }) {
    const row = found(state.passwords.get(id));
    const failed = { ...row, failures: row.failures + 1, lastFailureAt: at };
    return { ...state, passwords: withRow(state.passwords, id, failed) };
  },
  'password.succeed'(state, { id }) {
    const row = state.passwords.get(id);
    if (row === undefined) return state;
    return { ...state, passwords: withRow(state.passwords, id, { ...row, failures: 0, lastFailureAt: undefined }) };
  },
  'identifier.add'(state, { identifier }) {
    isFree<Identifier>(state.identifiers.get(identifier.normalised));
    return { ...state, identifiers: withRow(state.identifiers, identifier.normalised, identifier) };
  },
  'identifier.remove'(state, { normalised, accountId }) {
    found(state.identifiers.get(normalised), (row) => row.accountId === accountId);
    return { ...state, identifiers: withoutRow(state.identifiers, normalised) };
  },
  'identifier.verify'(state, { normalised, at }) {
    const row = found(state.identifiers.get(normalised));
    const verified = { ...row, verifiedAt: row.verifiedAt ?? at };
    return { ...state, identifiers: withRow(state.identifiers, normalised, verified) };
  },
  'link.issue'(state, { link }) {
    const isBefore = ({ purpose, subject }: OneTimeLink) => purpose === link.purpose && subject === link.subject;
    const others = [...state.links].filter(([, row]) => !isBefore(row));
    return { ...state, links: withRow(new Map(others), link.hash, link) };
  },
  'link.use'(state, { hash }) {
    found(state.links.get(hash));
    return { ...state, links: withoutRow(state.links, hash) };
  },
  'link.end'(state, { accountId }) {
    return { ...state, links: new Map([...state.links].filter(([, row]) => row.accountId !== accountId)) };
  },
  'profile.set'(state, { profile }) {
    const row = state.profiles.get(profile.accountId);
    if (row !== undefined && row.version !== profile.version - 1) throw new WriteConflict('it was changed meanwhile');
    return { ...state, profiles: withRow(state.profiles, profile.accountId, profile) };
  },
  'account_metadata.set'(state, { metadata }) {
    const row = state.metadata.get(metadata.accountId);
    if (row !== undefined && row.version !== metadata.version - 1) throw new WriteConflict('it was changed meanwhile');
    return { ...state, metadata: withRow(state.metadata, metadata.accountId, metadata) };
  },
  'attempt.store'(state, { attempt }) {
    const row = state.attempts.get(attempt.id);
    if (row !== undefined && row.version !== attempt.version - 1) throw new WriteConflict('a step was taken already');
    return { ...state, attempts: withRow(state.attempts, attempt.id, attempt) };
  },
  'attempt.remove'(state, { id }) {
    found(state.attempts.get(id));
    return { ...state, attempts: withoutRow(state.attempts, id) };
  },
  'session.start'(state, { session }) {
    isFree(state.sessions.get(session.id));
    return { ...state, sessions: withRow(state.sessions, session.id, session) };
  },
  'session.authenticate'(state, { id, from, authTime, amr, acr, cookie }) {
    const row = found(state.sessions.get(id), ({ version, ended }) => version === from && ended === undefined);
    const changed = { ...row, version: row.version + 1, authTime, amr, acr, cookie };
    return { ...state, sessions: withRow(state.sessions, id, changed) };
  },
  'session.see'(state, { id, at }) {
    const row = state.sessions.get(id);
    if (row?.cookie === undefined) return state;
    return { ...state, sessions: withRow(state.sessions, id, { ...row, cookie: { ...row.cookie, seenAt: at } }) };
  },
  'session.end'(state, { id, ended }) {
    const row = state.sessions.get(id);
    if (row === undefined || row.ended !== undefined) return state;
    return { ...state, sessions: withRow(state.sessions, id, { ...row, version: row.version + 1, ended }) };
  },
  'consent.store': (state, { consent }) => ({
    ...state,
    consents: withRow(state.consents, consentKey(consent.accountId, consent.clientId), consent),
  }),
  'consent.withdraw'(state, { accountId, clientId }) {
    const key = consentKey(accountId, clientId);
    found(state.consents.get(key));
    return { ...state, consents: withoutRow(state.consents, key) };
  },
  'code.issue'(state, { code }) {
    isFree(state.codes.get(code.hash));
    return { ...state, codes: withRow(state.codes, code.hash, code) };
  },
  'code.redeem'(state, { hash, at }) {
    const row = found(state.codes.get(hash), ({ redeemedAt }) => redeemedAt === undefined);
    return { ...state, codes: withRow(state.codes, hash, { ...row, redeemedAt: at }) };
  },
  'code.miss'(state, { hash }) {
    const row = state.codes.get(hash);
    if (row === undefined) return state;
    return { ...state, codes: withRow(state.codes, hash, { ...row, wrongTries: row.wrongTries + 1 }) };
  },
  'subject.assign'(state, { sector, accountId, subject }) {
    const key = subjectKey(sector, accountId);
    isFree(state.subjects.get(key));
    isFree([...state.subjects.values()].find((row) => row.subject === subject));
    return { ...state, subjects: withRow(state.subjects, key, { sector, accountId, subject }) };
  },
  'family.start'(state, { family }) {
    isFree(state.families.get(family.id));
    return { ...state, families: withRow(state.families, family.id, family) };
  },
  'family.rotate': (state, write) =>
    refreshed(state, write.id, write.from, () => ({
      generation: write.from + 1,
      rotatedAt: write.at,
      lastUsedAt: write.at,
      overlapMilliseconds: write.overlapMilliseconds,
      attemptHash: write.attemptHash,
      overlapUses: 0,
      overlapStreak: write.overlapStreak,
      macKeyId: write.macKeyId,
    })),
  'family.touch': (state, { id, generation, at }) => refreshed(state, id, generation, () => ({ lastUsedAt: at })),
  'family.use_overlap': (state, { id, generation, streak }) =>
    refreshed(state, id, generation, ({ overlapUses }) => ({ overlapUses: overlapUses + 1, overlapStreak: streak })),
  'family.end': (state, { id, ended }) => endFamilies(state, ended, (family) => family.id === id),
  'family.end_offline': (state, { accountId, ended }) =>
    endFamilies(state, ended, (family) => family.accountId === accountId && family.sessionId === undefined),
  'token.record'(state, { record, max }) {
    const all = [...state.tokenRecords.values()];
    const isSame = ({ opaque, status }: TokenRecord) =>
      (opaque !== undefined && opaque.handle === record.opaque?.handle) ||
      (status !== undefined && status.list === record.status?.list && status.index === record.status.index);
    const isListed = record.status !== undefined;
    const others = all
      .filter(({ clientId, status }) => clientId === record.clientId && (status !== undefined) === isListed)
      .sort(firstToExpire);
    const gone = others.length < max ? undefined : others[0];
    if (isListed) isFree(gone);
    const kept = gone === undefined ? state.tokenRecords : withoutRow(state.tokenRecords, gone.jti);
    isFree(kept.get(record.jti));
    isFree([...kept.values()].find(isSame));
    return { ...state, tokenRecords: withRow(kept, record.jti, record) };
  },
  'token.forget': (state, { jti }) => ({ ...state, tokenRecords: withoutRow(state.tokenRecords, jti) }),
  'status_list.take'(state, { place }) {
    isFree(state.statusIndexes.get(placeKey(place)));
    const taken = (state.statusLists.get(`${place.list}`)?.taken ?? 0) + 1;
    return {
      ...state,
      statusLists: withRow(state.statusLists, `${place.list}`, { number: place.list, taken }),
      statusIndexes: withRow(state.statusIndexes, placeKey(place), place),
    };
  },
  'replay.consume'(state, { used }) {
    const key = replayKey(used.resourceId, used.hash);
    isFree(state.replays.get(key));
    return { ...state, replays: withRow(state.replays, key, used) };
  },
  'client.create'(state, { client }) {
    isFree(state.clients.get(client.id));
    return grown({ ...state, clients: withRow(state.clients, client.id, client) });
  },
  'client.delete'(state, { id, at }) {
    const row = found(state.clients.get(id), ({ deletedAt }) => deletedAt === undefined);
    const deleted = { ...row, version: row.version + 1, deletedAt: at };
    return grown({ ...state, clients: withRow(state.clients, id, deleted) });
  },
  'secret.add'(state, { secret }) {
    isFree(state.secrets.get(secret.id));
    return grown({ ...state, secrets: withRow(state.secrets, secret.id, secret) });
  },
  'secret.expire'(state, { id, at }) {
    const row = state.secrets.get(id);
    if (row === undefined || (row.expiresAt !== undefined && row.expiresAt <= at)) return grown(state);
    return grown({ ...state, secrets: withRow(state.secrets, id, { ...row, expiresAt: at }) });
  },
  'secret.remove': (state, { id }) => grown({ ...state, secrets: withoutRow(state.secrets, id) }),
  'resource.update'(state, { resource }) {
    if (state.resources.get(resource.id)?.version !== resource.version - 1) throw new WriteConflict('another version');
    return grown({ ...state, resources: withRow(state.resources, resource.id, resource) });
  },
  'resource.create'(state, { resource }) {
    for (const { identifier } of state.resources.values())
      if (identifier === resource.identifier) throw new WriteConflict('the identifier is taken');
    return grown({ ...state, resources: withRow(state.resources, resource.id, resource) });
  },
  'api_key.create'(state, { key }) {
    isFree(state.apiKeys.get(key.id));
    return { ...state, apiKeys: withRow(state.apiKeys, key.id, key) };
  },
  'api_key.update'(state, { key }) {
    found(state.apiKeys.get(key.id), ({ version, ended }) => version === key.version - 1 && ended === undefined);
    return { ...state, apiKeys: withRow(state.apiKeys, key.id, key) };
  },
  'api_key.end'(state, { id, ended }) {
    const row = state.apiKeys.get(id);
    if (row === undefined || row.ended !== undefined) return state;
    return { ...state, apiKeys: withRow(state.apiKeys, id, { ...row, version: row.version + 1, ended }) };
  },
  'quota.debit'(state, { apiKey, period: { startsAt, endsAt }, uses, limit }) {
    const key = quotaKey(apiKey, startsAt);
    const spent = (state.quotas.get(key)?.spent ?? 0) + uses;
    if (spent > limit) throw new WriteConflict('there are not so many left');
    return { ...state, quotas: withRow(state.quotas, key, { endsAt, spent }) };
  },
  'quota.credit'(state, { apiKey, startsAt, uses }) {
    const key = quotaKey(apiKey, startsAt);
    const row = state.quotas.get(key);
    if (row === undefined || row.spent < uses) return state;
    return { ...state, quotas: withRow(state.quotas, key, { ...row, spent: row.spent - uses }) };
  },
  'lease.grant'(state, { lease }) {
    isFree(state.leases.get(lease.id));
    return { ...state, leases: withRow(state.leases, lease.id, lease) };
  },
  'lease.close'(state, { id }) {
    found(state.leases.get(id));
    return { ...state, leases: withoutRow(state.leases, id) };
  },
  'usage.add': (state, { usage }) => ({ ...state, usage: withUsage(state.usage, { ...usage, span: 'hour' }) }),
  'verifier.report'(state, { told }) {
    const row = state.verifiers.get(told.instance);
    if (row !== undefined && (row.resourceId !== told.resourceId || row.number >= told.number))
      throw new WriteConflict('it was told already');
    return { ...state, verifiers: withRow(state.verifiers, told.instance, told) };
  },
  'role.grant': (state, { role }) => ({ ...state, roles: withRow(state.roles, roleKey(role), role) }),
  'role.revoke': (state, { role }) => ({ ...state, roles: withoutRow(state.roles, roleKey(role)) }),
  'key.create'(state, { key }) {
    isFree(state.signingKeys.get(key.kid));
    return grown({ ...state, signingKeys: withRow(state.signingKeys, key.kid, key) });
  },
  'key.move'(state, { kid, from, to, at }) {
    const row = found(state.signingKeys.get(kid), (key) => key.state === from);
    return grown({ ...state, signingKeys: withRow(state.signingKeys, kid, { ...row, state: to, since: at }) });
  },
  'key.remove': (state, { kid }) => grown({ ...state, signingKeys: withoutRow(state.signingKeys, kid) }),
  'shared_secret.create'(state, { secret }) {
    isFree(state.sharedSecrets.get(secret.kid));
    return grown({ ...state, sharedSecrets: withRow(state.sharedSecrets, secret.kid, secret) });
  },
  'shared_secret.retire'(state, { kid, at }) {
    const row = found(state.sharedSecrets.get(kid), ({ retiresAt }) => retiresAt === undefined);
    return grown({ ...state, sharedSecrets: withRow(state.sharedSecrets, kid, { ...row, retiresAt: at }) });
  },
  'shared_secret.remove': (state, { kid }) => grown({ ...state, sharedSecrets: withoutRow(state.sharedSecrets, kid) }),
  'mac_key.create'(state, { key }) {
    isFree(state.macKeys.get(String(key.id)));
    return grown({ ...state, macKeys: withRow(state.macKeys, String(key.id), key) });
  },
  'mac_key.move'(state, { id, to }) {
    const row = found(state.macKeys.get(String(id)));
    return grown({ ...state, macKeys: withRow(state.macKeys, String(id), { ...row, state: to }) });
  },
  'revocation.emit'(state, { event }) {
    const position = { ...state.position, seq: state.position.seq + 1 };
    const next = { ...state, position, events: [...state.events, { ...position, ...event }] };
    const account = event.kind === 'subject' ? next.accounts.get(event.id) : undefined;
    if (account !== undefined) {
      const cut = { ...account, version: account.version + 1, cutOff: position };
      return { ...next, accounts: withRow(next.accounts, account.id, cut) };
    }
    const client = event.kind === 'client' || event.kind === 'subject' ? next.clients.get(event.id) : undefined;
    if (client === undefined) return next;
    const cut = { ...client, version: client.version + 1, cutOff: position };
    return grown({ ...next, clients: withRow(next.clients, client.id, cut) });
  },
  'epoch.begin'(state, { at }) {
    const epoch = Math.max(state.position.epoch + 1, Math.floor(at / 1000));
    return { ...state, position: { ...state.position, epoch } };
  },
  'audit.append': (state, { entry }, mac) => audited(state, entry, mac),
  'alert.raise': (state, { entry }, mac) =>
    queued(audited(state, entry, mac), { topic: 'alert', body: { ...entry }, at: entry.at }),
  'outbox.enqueue': (state, { message }) => queued(state, message),
  'outbox.delivered': (state, { id }) => ({ ...state, outbox: state.outbox.filter((row) => row.id !== id) }),
  'outbox.retry': (state, { id, at }) => ({
    ...state,
    outbox: state.outbox.map((row) => (row.id === id ? { ...row, attempts: row.attempts + 1, dueAt: at } : row)),
  }),
  'outbox.postpone': (state, { id, at }) => ({
    ...state,
    outbox: state.outbox.map((row) => (row.id === id ? { ...row, dueAt: at } : row)),
  }),
};

function audited(state: MemoryState, entry: AuditEntry, mac: AuditMac): MemoryState {
  const text = JSON.stringify([entry.at, entry.event, entry.actor, entry.subject, entry.detail]);
  const row = {
    ...entry,
    id: (state.audit.at(-1)?.id ?? 0) + 1,
    mac: Buffer.from(mac(new TextEncoder().encode(text))).toString('base64url'),
  };
  return { ...state, audit: [...state.audit, row] };
}

function queued(state: MemoryState, message: Extract<Write, { kind: 'outbox.enqueue' }>['message']): MemoryState {
  const id = (state.outbox.at(-1)?.id ?? 0) + 1;
  return { ...state, outbox: [...state.outbox, { ...message, id, attempts: 0, dueAt: message.at }] };
}

const applyOne = <K extends Write['kind']>(state: MemoryState, write: Extract<Write, { kind: K }>, mac: AuditMac) =>
  (APPLY[write.kind as K] as Apply[K])(state, write, mac);

/** The state after these writes. Events come last, in their order, as in every store. Throws a conflict. */
export function applyWrites(state: MemoryState, writes: readonly Write[], mac: AuditMac): MemoryState {
  const isEvent = ({ kind }: Write) => kind === 'revocation.emit';
  const ordered = [...writes.filter((write) => !isEvent(write)), ...writes.filter(isEvent)];
  return ordered.reduce((now, write) => applyOne(now, write, mac), state);
}

/** Throws a conflict when a row is no longer in the version that a decision relied on. */
export function checkExpected(state: MemoryState, expects: readonly RowVersion[]): void {
  const tables = {
    account: state.accounts,
    password: state.passwords,
    client: state.clients,
    resource: state.resources,
    session: state.sessions,
    attempt: state.attempts,
  } as const;
  for (const { table, id, version } of expects)
    if (tables[table].get(id)?.version !== version)
      throw new WriteConflict(`${table} is no longer at version ${version}`);
}
