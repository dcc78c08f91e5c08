import type { AuditEntry } from '@latchkey/domain/audit';
import type { RowVersion } from '@latchkey/domain/row-version';
import type { Write } from '@latchkey/domain/write';
import { parseId } from '@latchkey/protocol/ids';
import { any, one, type Query, type Step } from './sql.ts';
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

/** Makes the MAC of an audit row: proof that the server wrote it. */
export type AuditMac = (bytes: Uint8Array) => Uint8Array;

type Steps = { readonly [K in Write['kind']]: (write: Extract<Write, { kind: K }>, mac: AuditMac) => readonly Step[] };

const catalogue = any(state.growCatalogue());

/** One entry per kind of write; the compiler refuses this file when a kind is missing. */
const STEPS: Steps = {
  'account.create': ({ account, identifiers: names }) => [
    one(accounts.insert(account)),
    ...names.map((name) => one(identifiers.insert(name))),
  ],
  'account.disable': ({ id, at }) => [one(accounts.disable(id, at))],
  'account.enable': ({ id }) => [one(accounts.enable(id))],
  'password.set': ({ id, phc, at }) => [one(passwords.set(id, phc, at))],
  'password.rehash': ({ id, version, phc }) => [any(passwords.rehash(id, version, phc))],
  'password.fail': ({ id, at }) => [one(passwords.fail(id, at))],
  'password.succeed': ({ id }) => [any(passwords.succeed(id))],
  'identifier.add': ({ identifier }) => [one(identifiers.insert(identifier))],
  'identifier.remove': ({ normalised, accountId }) => [one(identifiers.remove(normalised, accountId))],
  'identifier.verify': ({ normalised, at }) => [one(identifiers.verify(normalised, at))],
  'link.issue': ({ link }) => [one(links.issue(link))],
  'link.use': ({ hash }) => [one(links.use(hash))],
  'link.end': ({ accountId }) => [any(links.end(accountId))],
  'profile.set': ({ profile }) => [one(profiles.set(profile))],
  'account_metadata.set': ({ metadata }) => [one(accountMetadata.set(metadata))],
  'attempt.store': ({ attempt }) => [one(attempts.store(attempt))],
  'attempt.remove': ({ id }) => [one(attempts.remove(id))],
  'session.start': ({ session }) => [one(sessions.insert(session))],
  'session.authenticate': (write) => [one(sessions.authenticate(write))],
  'session.see': ({ id, at }) => [any(sessions.see(id, at))],
  'session.end': ({ id, ended }) => [any(sessions.end(id, ended))],
  'consent.store': ({ consent }) => [one(consents.store(consent))],
  'consent.withdraw': ({ accountId, clientId }) => [one(consents.withdraw(accountId, clientId))],
  'code.issue': ({ code }) => [one(codes.insert(code))],
  'code.redeem': ({ hash, at }) => [one(codes.redeem(hash, at))],
  'code.miss': ({ hash }) => [any(codes.miss(hash))],
  'subject.assign': ({ sector, accountId, subject }) => [one(subjects.insert(sector, accountId, subject))],
  'family.start': ({ family }) => [one(families.insert(family))],
  'family.rotate': (write) => [one(families.rotate(write))],
  'family.touch': ({ id, generation, at }) => [one(families.touch(id, generation, at))],
  'family.use_overlap': ({ id, generation, streak }) => [one(families.useOverlap(id, generation, streak))],
  'family.end': ({ id, ended }) => [any(families.end(id, ended))],
  'family.end_offline': ({ accountId, ended }) => [any(families.endOffline(accountId, ended))],
  'token.record': ({ record, max }) => tokenRecords.record(record, max),
  'token.forget': ({ jti }) => tokenRecords.forget(jti),
  'status_list.take': ({ place }) => [one(statusLists.take(place)), one(statusLists.takeIndex(place))],
  'replay.consume': ({ used }) => [one(replays.insert(used))],
  'client.create': ({ client }) => [one(clients.insert(client)), catalogue],
  'client.delete': ({ id, at }) => [one(clients.remove(id, at)), catalogue],
  'secret.add': ({ secret }) => [one(secrets.insert(secret)), catalogue],
  'secret.expire': ({ id, at }) => [any(secrets.expireAt(id, at)), catalogue],
  'secret.remove': ({ id }) => [any(secrets.remove(id)), catalogue],
  'resource.create': ({ resource }) => [one(resources.insert(resource)), catalogue],
  'resource.update': ({ resource }) => [one(resources.update(resource)), catalogue],
  'api_key.create': ({ key }) => [one(apiKeys.insert(key))],
  'api_key.update': ({ key }) => [one(apiKeys.update(key))],
  'api_key.end': ({ id, ended }) => [any(apiKeys.end(id, ended))],
  'quota.debit': (write) => [one(apiKeyQuotas.debit(write))],
  'quota.credit': (write) => [any(apiKeyQuotas.credit(write))],
  'lease.grant': ({ lease }) => [one(apiKeyLeases.insert(lease))],
  'lease.close': ({ id }) => [one(apiKeyLeases.remove(id))],
  'usage.add': ({ usage }) => [
    one(apiKeyUsage.add(usage.apiKey, usage)),
    one(apiKeyUsage.add(usage.resourceId, usage)),
  ],
  'verifier.report': ({ told }) => [one(verifierInstances.report(told))],
  'role.grant': ({ role }) => [any(roles.insert(role))],
  'role.revoke': ({ role }) => [any(roles.remove(role))],
  'key.create': ({ key }) => [one(signingKeys.insert(key)), catalogue],
  'key.move': ({ kid, from, to, at }) => [one(signingKeys.move(kid, from, to, at)), catalogue],
  'key.remove': ({ kid }) => [any(signingKeys.remove(kid)), catalogue],
  'shared_secret.create': ({ secret }) => [one(sharedSecrets.insert(secret)), catalogue],
  'shared_secret.retire': ({ kid, at }) => [one(sharedSecrets.retire(kid, at)), catalogue],
  'shared_secret.remove': ({ kid }) => [any(sharedSecrets.remove(kid)), catalogue],
  'mac_key.create': ({ key }) => [one(macKeys.insert(key)), catalogue],
  'mac_key.move': ({ id, to }) => [one(macKeys.move(id, to)), catalogue],
  'revocation.emit': ({ event }) => [
    one(revocations.takeNumber()),
    one(revocations.insert(event)),
    ...cutOff(event.kind, event.id),
  ],
  'epoch.begin': ({ at }) => [one(state.beginEpoch(at))],
  'audit.append': ({ entry }, mac) => auditSteps(entry, mac),
  'alert.raise': ({ entry }, mac) => [
    ...auditSteps(entry, mac),
    one(outbox.insert({ topic: 'alert', body: { ...entry }, at: entry.at })),
  ],
  'outbox.enqueue': ({ message }) => [one(outbox.insert(message))],
  'outbox.delivered': ({ id }) => [any(outbox.remove(id))],
  'outbox.retry': ({ id, at }) => [any(outbox.retry(id, at))],
  'outbox.postpone': ({ id, at }) => [any(outbox.postpone(id, at))],
};

/** The end of an account or client as a whole is noted on its row, where it outlives the event. */
function cutOff(kind: string, ref: string): readonly Step[] {
  const account = kind === 'subject' ? parseId('acc', ref) : undefined;
  const client = kind === 'client' || kind === 'subject' ? parseId('cli', ref) : undefined;
  if (account !== undefined) return [any(accounts.cutOff(account))];
  return client === undefined ? [] : [any(clients.cutOff(client)), catalogue];
}

const ENCODER = new TextEncoder();

function auditSteps(entry: AuditEntry, mac: AuditMac): readonly Step[] {
  const bytes = ENCODER.encode(JSON.stringify([entry.at, entry.event, entry.actor, entry.subject, entry.detail]));
  const text = Buffer.from(mac(bytes)).toString('base64url');
  const refs = new Set(Object.values(entry.subject));
  return [one(audit.insert(entry, text)), ...[...refs].map((ref) => one(audit.insertSubject(ref)))];
}

const stepsOf = <K extends Write['kind']>(write: Extract<Write, { kind: K }>, mac: AuditMac): readonly Step[] =>
  (STEPS[write.kind as K] as Steps[K])(write, mac);

/** All steps of a decision, in order. Events come last, so that their numbers are taken as late as can be. */
export function stepsFor(writes: readonly Write[], mac: AuditMac): readonly Step[] {
  const isEvent = ({ kind }: Write) => kind === 'revocation.emit';
  const ordered = [...writes.filter((write) => !isEvent(write)), ...writes.filter(isEvent)];
  return ordered.flatMap((write) => stepsOf(write, mac));
}

/** Whether these steps change what a node keeps of clients, resources, secrets and keys. */
export const changesCatalogue = (steps: readonly Step[]): boolean => steps.includes(catalogue);

/** The statement that reads the version of a row that a decision relies on. */
export function versionQuery(expected: RowVersion): Query {
  switch (expected.table) {
    case 'account':
      return accounts.version(expected.id);
    case 'password':
      return passwords.version(expected.id);
    case 'client':
      return clients.version(expected.id);
    case 'resource':
      return resources.version(expected.id);
    case 'session':
      return sessions.version(expected.id);
    case 'attempt':
      return attempts.version(expected.id);
  }
}
