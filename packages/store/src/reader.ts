import type { Moment, Reader } from '@latchkey/domain/ports/reader';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Executor, Query, Row } from './sql.ts';
import { accountMetadata } from './tables/account-metadata.ts';
import { accounts } from './tables/accounts.ts';
import { apiKeyLeases } from './tables/api-key-leases.ts';
import { apiKeyQuotas } from './tables/api-key-quotas.ts';
import { apiKeyUsage } from './tables/api-key-usage.ts';
import { apiKeys } from './tables/api-keys.ts';
import { attempts } from './tables/attempts.ts';
import { audit } from './tables/audit.ts';
import { clients } from './tables/clients.ts';
import { codes } from './tables/codes.ts';
import { consents } from './tables/consents.ts';
import { families } from './tables/families.ts';
import { identifiers } from './tables/identifiers.ts';
import { macKeys, signingKeys } from './tables/keys.ts';
import { links } from './tables/links.ts';
import { outbox } from './tables/outbox.ts';
import { passwords } from './tables/passwords.ts';
import { profiles } from './tables/profiles.ts';
import { replays } from './tables/replays.ts';
import { resources } from './tables/resources.ts';
import { revocations } from './tables/revocations.ts';
import { roles } from './tables/roles.ts';
import { secrets } from './tables/secrets.ts';
import { sessions } from './tables/sessions.ts';
import { sharedSecrets } from './tables/shared-secrets.ts';
import { state } from './tables/state.ts';
import { statusLists } from './tables/status-lists.ts';
import { subjects } from './tables/subjects.ts';
import { tokenRecords } from './tables/token-records.ts';
import { verifierInstances } from './tables/verifier-instances.ts';

/** A reader over whatever runs statements: a transaction, or a connection for reads. */
export function createReader(executor: Executor, now: () => EpochMilliseconds): Reader {
  // one promise a read, not three: a transaction makes half a dozen
  const maybe = <T>(query: Query, model: (row: Row) => T): Promise<T | undefined> =>
    executor.all(query).then(([row]) => (row === undefined ? undefined : model(row)));
  const list = <T>(query: Query, model: (row: Row) => T): Promise<readonly T[]> =>
    executor.all(query).then((rows) => rows.map(model));
  return {
    account: (id) => maybe(accounts.byId(id), accounts.model),
    identifier: (normalised) => maybe(identifiers.byName(normalised), identifiers.model),
    identifiers: (account) => list(identifiers.ofAccount(account), identifiers.model),
    subject: (sector, account) => maybe(subjects.of(sector, account), subjects.model),
    accountOfSubject: (sector, subject) => maybe(subjects.accountOf(sector, subject), subjects.account),
    password: (account) => maybe(passwords.ofAccount(account), passwords.model),
    profile: (account) => maybe(profiles.ofAccount(account), profiles.model),
    metadata: (account) => maybe(accountMetadata.ofAccount(account), accountMetadata.model),
    accounts: (page) => list(accounts.page(page), accounts.model),
    roles: (account, resource) =>
      list(resource === undefined ? roles.ofAccount(account) : roles.at(account, resource), roles.model),
    holders: (resource, role, limit) => list(roles.holders(resource, role, limit), roles.model),
    session: (id) => maybe(sessions.byId(id), sessions.model),
    liveSessions: (account, at) => list(sessions.live(account, at), sessions.summary),
    sessionByCookie: (hash) => maybe(sessions.byCookie(hash), sessions.model),
    code: (hash) => maybe(codes.byHash(hash), codes.model),
    consent: (account, client) => maybe(consents.of(account, client), consents.model),
    consents: (account) => list(consents.ofAccount(account), consents.model),
    familiesOf: (account, client, at) => list(families.ofClient(account, client, at), families.model),
    attempt: (id) => maybe(attempts.byId(id), attempts.model),
    link: (hash) => maybe(links.byHash(hash), links.model),
    family: (id) => maybe(families.byId(id), families.model),
    offlineFamilies: (account, at) => list(families.offline(account, at), families.model),
    familiesOfSession: (session) => list(families.ofSession(session), families.model),
    pairwiseFamilies: (account) => list(families.pairwise(account), families.model),
    familiesUnderMacKey: (keyId, page) => list(families.underMacKey(keyId, page), families.model),
    tokenRecord: (jti) => maybe(tokenRecords.byJti(jti), tokenRecords.model),
    tokenRecordByHandle: (handle) => maybe(tokenRecords.byHandle(handle), tokenRecords.model),
    tokenRecordOwners: (page) => list(tokenRecords.owners(page), tokenRecords.owner),
    listedTokenRecords: async (client) => (await maybe(tokenRecords.listed(client), tokenRecords.count)) ?? 0,
    client: (id) => maybe(clients.byId(id), clients.model),
    clients: (page) => list(clients.page(page), clients.model),
    firstPartyClients: () => list(clients.firstParty(), clients.model),
    secrets: (owner) => list(secrets.ofOwner(owner), secrets.model),
    resource: (identifier) => maybe(resources.byIdentifier(identifier), resources.model),
    resourceById: (id) => maybe(resources.byId(id), resources.model),
    resources: (page) => list(resources.page(page), resources.model),
    apiKey: (id) => maybe(apiKeys.byId(id), apiKeys.model),
    apiKeysOf: (owner, page) => list(apiKeys.ofOwner(owner, page), apiKeys.model),
    apiKeysFor: (resource, page) => list(apiKeys.forResource(resource, page), apiKeys.model),
    liveApiKeys: async (owner, at) => (await maybe(apiKeys.countLive(owner, at), apiKeys.live)) ?? 0,
    quotaSpent: async (key, startsAt) => (await maybe(apiKeyQuotas.spent(key, startsAt), apiKeyQuotas.model)) ?? 0,
    lease: (id) => maybe(apiKeyLeases.byId(id), apiKeyLeases.model),
    openLeases: async (key) => (await maybe(apiKeyLeases.open(key), apiKeyLeases.count)) ?? 0,
    verifierInstance: (name) => maybe(verifierInstances.byName(name), verifierInstances.model),
    verifierInstances: async (resource) =>
      (await maybe(verifierInstances.ofResource(resource), verifierInstances.count)) ?? 0,
    keyUsage: (key, from, to) => list(apiKeyUsage.of(key, from, to), apiKeyUsage.model),
    resourceUsage: (resource, from, to) => list(apiKeyUsage.of(resource, from, to), apiKeyUsage.bin),
    mostUsedKeys: (resource, from, to, limit) =>
      list(apiKeyUsage.mostUsed(resource, from, to, limit), apiKeyUsage.total),
    lastUse: (key) => maybe(apiKeyUsage.lastUse(key), apiKeyUsage.usedAt),
    newestStatusList: () => maybe(statusLists.newest(), statusLists.model),
    statusLists: (page) => list(statusLists.page(page), statusLists.model),
    isStatusTaken: (place) => executor.all(statusLists.index(place)).then((rows) => rows.length > 0),
    statusRecords: (number, page) => list(tokenRecords.inStatusList(number, page), tokenRecords.model),
    isUsed: (resource, hash) => executor.all(replays.of(resource, hash)).then((rows) => rows.length > 0),
    signingKeys: () => list(signingKeys.all(), signingKeys.model),
    sharedSecrets: () => list(sharedSecrets.all(), sharedSecrets.model),
    macKeys: () => list(macKeys.all(), macKeys.model),
    revocations: (after, at, limit) => list(revocations.after(after, at, limit), revocations.model),
    revocationsOf: (id, at) => list(revocations.of(id, at), revocations.model),
    audit: (before, limit) => list(audit.before(before, limit), audit.model),
    auditOf: (id, limit) => list(audit.of(id, limit), audit.model),
    outbox: (at, limit) => list(outbox.due(at, limit), outbox.model),
    async moment(): Promise<Moment> {
      const [row] = await executor.all(state.read());
      if (row === undefined) throw new Error('the state row is missing');
      return state.model(row, now());
    },
  };
}
