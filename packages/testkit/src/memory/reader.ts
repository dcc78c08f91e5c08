import type { KeyUsage, UsageBin, UsageSpan } from '@latchkey/domain/api-keys/usage';
import type { Page, Reader } from '@latchkey/domain/ports/reader';
import type { TokenFamily } from '@latchkey/domain/tokens/family';
import type { ApiKeyId, EpochMilliseconds } from '@latchkey/protocol/types';
import { consentKey, type MemoryState, placeKey, quotaKey, replayKey, subjectKey } from './state.ts';

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function page<K extends string, T extends { readonly id: K }>(rows: Iterable<T>, { after, limit }: Page<K>) {
  return [...rows]
    .filter(({ id }) => after === undefined || id > after)
    .sort(byId)
    .slice(0, limit);
}

/** Reads a state. `current` is asked at each read, so that one reader may follow a store or stay with a transaction. */
export function createMemoryReader(current: () => MemoryState, now: () => EpochMilliseconds): Reader {
  const used = (isMeant: (row: KeyUsage) => boolean, from: number, to: number): readonly KeyUsage[] =>
    [...current().usage.values()]
      .filter((row) => isMeant(row) && row.startsAt >= from && row.startsAt < to)
      .sort((a, b) => a.startsAt - b.startsAt || byText(a.span, b.span));
  const isUnexpired = (exp: number, at: EpochMilliseconds) => exp > Math.floor(at / 1000);
  return {
    account: async (id) => current().accounts.get(id),
    identifier: async (normalised) => current().identifiers.get(normalised),
    identifiers: async (account) =>
      [...current().identifiers.values()]
        .filter(({ accountId }) => accountId === account)
        .sort((a, b) => byText(a.normalised, b.normalised)),
    subject: async (sector, account) => current().subjects.get(subjectKey(sector, account))?.subject,
    accountOfSubject: async (wanted, named) =>
      [...current().subjects.values()].find(({ sector, subject }) => sector === wanted && subject === named)?.accountId,
    password: async (account) => current().passwords.get(account),
    profile: async (account) => current().profiles.get(account),
    metadata: async (account) => current().metadata.get(account),
    accounts: async (asked) => page(current().accounts.values(), asked),
    roles: async (account, resource) =>
      [...current().roles.values()]
        .filter((role) => role.accountId === account && (resource === undefined || role.resource === resource))
        .sort((a, b) => byText(a.resource, b.resource) || byText(a.role, b.role)),
    holders: async (resource, role, limit) =>
      [...current().roles.values()]
        .filter((one) => one.resource === resource && one.role === role)
        .sort((a, b) => byText(a.accountId, b.accountId))
        .slice(0, limit),
    session: async (id) => current().sessions.get(id),
    link: async (hash) => current().links.get(hash),
    async liveSessions(account, at) {
      const { sessions, families } = current();
      const isLive = [...sessions.values()].filter(
        ({ accountId, ended, expiresAt }) => accountId === account && ended === undefined && expiresAt > at,
      );
      return isLive.sort(byId).map((session) => {
        const uses = [...families.values()]
          .filter(({ sessionId }) => sessionId === session.id)
          .flatMap(({ refresh }) => (refresh === undefined ? [] : [refresh.lastUsedAt]));
        const used = uses.length === 0 ? session.createdAt : Math.max(...uses);
        const lastSeenAt = Math.max(used, session.cookie?.seenAt ?? 0) as EpochMilliseconds;
        return { ...session, lastSeenAt };
      });
    },
    sessionByCookie: async (hash) => [...current().sessions.values()].find(({ cookie }) => cookie?.hash === hash),
    code: async (hash) => current().codes.get(hash),
    consent: async (account, client) => current().consents.get(consentKey(account, client)),
    consents: async (account) =>
      [...current().consents.values()]
        .filter(({ accountId }) => accountId === account)
        .sort((a, b) => byText(a.clientId, b.clientId)),
    familiesOf: async (account, client, at) =>
      [...current().families.values()]
        .filter(({ accountId, clientId }) => accountId === account && clientId === client)
        .filter(({ ended, expiresAt }) => ended === undefined && expiresAt > at)
        .sort(byId),
    attempt: async (id) => current().attempts.get(id),
    family: async (id) => current().families.get(id),
    offlineFamilies: async (account, at) =>
      [...current().families.values()]
        .filter((family) => family.accountId === account && family.sessionId === undefined)
        .filter(({ ended, expiresAt }) => ended === undefined && expiresAt > at)
        .sort(byId),
    async familiesOfSession(session) {
      const newest = new Map<string, TokenFamily>();
      for (const family of [...current().families.values()].sort(byId))
        if ((family.beganIn ?? family.sessionId) === session)
          newest.set(`${family.clientId} ${family.pairwise?.sid ?? ''}`, family);
      return [...newest.values()].sort(byId);
    },
    pairwiseFamilies: async (account) =>
      [...current().families.values()]
        .filter(({ accountId, pairwise, ended }) => accountId === account && pairwise !== undefined && !ended)
        .sort(byId),
    familiesUnderMacKey: async (keyId, asked) =>
      page(
        [...current().families.values()].filter(
          ({ refresh, ended }) => refresh?.macKeyId === keyId && ended === undefined,
        ),
        asked,
      ),
    tokenRecordOwners: async ({ after, limit }) =>
      [...new Set([...current().tokenRecords.values()].map(({ clientId }) => clientId))]
        .filter((id) => after === undefined || id > after)
        .sort(byText)
        .slice(0, limit),
    tokenRecord: async (jti) => current().tokenRecords.get(jti),
    tokenRecordByHandle: async (handle) =>
      [...current().tokenRecords.values()].find(({ opaque }) => opaque?.handle === handle),
    client: async (id) => current().clients.get(id),
    clients: async (asked) => page(current().clients.values(), asked),
    firstPartyClients: async () =>
      [...current().clients.values()]
        .filter(({ firstParty, deletedAt }) => firstParty && deletedAt === undefined)
        .slice(0, 2),
    secrets: async (owner) => [...current().secrets.values()].filter((secret) => secret.owner === owner).sort(byId),
    resource: async (wanted) => [...current().resources.values()].find(({ identifier }) => identifier === wanted),
    newestStatusList: async () => [...current().statusLists.values()].sort((a, b) => b.number - a.number)[0],
    statusLists: async ({ after = -1, limit }) =>
      [...current().statusLists.values()]
        .filter(({ number }) => number > after)
        .sort((a, b) => a.number - b.number)
        .slice(0, limit),
    isStatusTaken: async (place) => current().statusIndexes.has(placeKey(place)),
    listedTokenRecords: async (client) =>
      [...current().tokenRecords.values()].filter(({ clientId, status }) => clientId === client && status !== undefined)
        .length,
    statusRecords: async (list, { after = -1, limit }) =>
      [...current().tokenRecords.values()]
        .filter(({ status }) => status?.list === list && status.index > after)
        .sort((a, b) => (a.status?.index ?? 0) - (b.status?.index ?? 0))
        .slice(0, limit),
    isUsed: async (resource, hash) => current().replays.has(replayKey(resource, hash)),
    resourceById: async (id) => current().resources.get(id),
    resources: async (asked) => page(current().resources.values(), asked),
    apiKey: async (id) => current().apiKeys.get(id),
    apiKeysOf: async (owner, asked) =>
      page(
        [...current().apiKeys.values()].filter((key) => key.owner === owner),
        asked,
      ),
    apiKeysFor: async (resource, asked) =>
      page(
        [...current().apiKeys.values()].filter((key) => key.resource === resource),
        asked,
      ),
    liveApiKeys: async (owner, at) =>
      [...current().apiKeys.values()].filter(
        (key) => key.owner === owner && key.ended === undefined && key.expiresAt > at,
      ).length,
    quotaSpent: async (key, startsAt) => current().quotas.get(quotaKey(key, startsAt))?.spent ?? 0,
    lease: async (id) => current().leases.get(id),
    openLeases: async (key) => [...current().leases.values()].filter(({ apiKey }) => apiKey === key).length,
    verifierInstance: async (name) => current().verifiers.get(name),
    verifierInstances: async (resource) =>
      [...current().verifiers.values()].filter(({ resourceId }) => resourceId === resource).length,
    keyUsage: async (key, from, to) => used(({ apiKey }) => apiKey === key, from, to),
    async resourceUsage(resource, from, to) {
      const bins = new Map<string, UsageBin & { readonly span: UsageSpan }>();
      for (const { span, startsAt, allowed, refused } of used(({ resourceId }) => resourceId === resource, from, to)) {
        const before = bins.get(`${startsAt} ${span}`) ?? { allowed: 0, refused: 0 };
        const sums = { allowed: before.allowed + allowed, refused: before.refused + refused };
        bins.set(`${startsAt} ${span}`, { span, startsAt, ...sums });
      }
      return [...bins.values()];
    },
    async mostUsedKeys(resource, from, to, limit) {
      const totals = new Map<ApiKeyId, { readonly allowed: number; readonly refused: number }>();
      for (const { apiKey, allowed, refused } of used(({ resourceId }) => resourceId === resource, from, to)) {
        const before = totals.get(apiKey) ?? { allowed: 0, refused: 0 };
        totals.set(apiKey, { allowed: before.allowed + allowed, refused: before.refused + refused });
      }
      return [...totals]
        .map(([apiKey, sums]) => ({ apiKey, ...sums }))
        .sort((a, b) => b.allowed - a.allowed || byText(a.apiKey, b.apiKey))
        .slice(0, limit);
    },
    lastUse: async (key) =>
      [...current().usage.values()]
        .filter(({ apiKey, usedAt }) => apiKey === key && usedAt !== undefined)
        .sort((a, b) => b.startsAt - a.startsAt)[0]?.usedAt,
    signingKeys: async () =>
      [...current().signingKeys.values()].sort((a, b) => a.createdAt - b.createdAt || byText(a.kid, b.kid)),
    sharedSecrets: async () =>
      [...current().sharedSecrets.values()].sort((a, b) => a.createdAt - b.createdAt || byText(a.kid, b.kid)),
    macKeys: async () => [...current().macKeys.values()].sort((a, b) => a.id - b.id),
    revocations: async (after, at, limit) =>
      current()
        .events.filter(({ seq, exp }) => seq > after && isUnexpired(exp, at))
        .slice(0, limit),
    revocationsOf: async (id, at) =>
      current()
        .events.filter((event) => event.id === id && isUnexpired(event.exp, at))
        .slice(0, 100),
    audit: async (before, limit) =>
      current()
        .audit.filter(({ id }) => before === undefined || id < before)
        .toReversed()
        .slice(0, limit),
    auditOf: async (ref, limit) =>
      current()
        .audit.filter(({ subject }) => Object.values(subject).includes(ref))
        .toReversed()
        .slice(0, limit),
    outbox: async (at, limit) =>
      current()
        .outbox.filter(({ dueAt }) => dueAt <= at)
        .sort((a, b) => a.dueAt - b.dueAt || a.id - b.id)
        .slice(0, limit)
        .map(({ dueAt: _, ...row }) => row),
    async moment() {
      const { position, catalogue } = current();
      return { now: now(), position, catalogue };
    },
  };
}
