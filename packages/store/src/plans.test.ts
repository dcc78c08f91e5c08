import type { Sha256 } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import { API, day, idOf, tokenRecord } from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { migrate } from './migrate.ts';
import type { Query } from './sql.ts';
import { openConnection } from './sqlite-driver.ts';
import { apiKeyLeases } from './tables/api-key-leases.ts';
import { apiKeyQuotas } from './tables/api-key-quotas.ts';
import { apiKeyUsage } from './tables/api-key-usage.ts';
import { apiKeys } from './tables/api-keys.ts';
import { families } from './tables/families.ts';
import { outbox } from './tables/outbox.ts';
import { sessions } from './tables/sessions.ts';
import { subjects } from './tables/subjects.ts';
import { tokenRecords } from './tables/token-records.ts';
import { verifierInstances } from './tables/verifier-instances.ts';

const page = { after: undefined, limit: 1 } as const;
const [account, client, session] = [idOf('acc', 1), idOf('cli', 1), idOf('ses', 1)];
const [key, resource] = [idOf('key', 1), idOf('res', 1)];
const [from, to] = [day(0).startsAt, day(1).startsAt];

/** What is asked in each redemption, each end of a session and each round of the jobs, and the index that answers it. */
const QUERIES: readonly (readonly [string, Query, string])[] = [
  [
    'families of a client',
    families.ofClient(account, client, NOW),
    'families_account_client (account_id=? AND client_id=?',
  ],
  ['offline families', families.offline(account, NOW), 'families_account_client (account_id=?'],
  ['pairwise families', families.pairwise(account), 'families_pairwise (account_id=?'],
  ['families of a session', families.ofSession(session), 'families_began_in (began_in=?'],
  ['families that go', families.expire(NOW, 1), 'families_client (client_id=?'],
  ['live sessions', sessions.live(account, NOW), 'sessions_account (account_id=?'],
  ['sessions that go', sessions.expire(NOW, 1), 'sessions_expiry (expires_at<?'],
  ['messages that are due', outbox.due(NOW, 1), 'outbox_due (due_at<?'],
  ['API keys of an owner', apiKeys.ofOwner(account, page), 'api_keys_owner (owner=? AND id>?'],
  ['API keys for a resource', apiKeys.forResource(API, page), 'api_keys_resource (resource=? AND id>?'],
  ['live API keys', apiKeys.countLive(account, NOW), 'api_keys_owner (owner=?'],
  ['API keys that go', apiKeys.expire(NOW, 1), 'api_keys_expiry (expires_at<?'],
  ['API keys that go, since they have ended', apiKeys.expire(NOW, 1), 'api_keys_ended (ended_at<?'],
  ['a subject', subjects.of('sector', account), '(sector=? AND account_id=?'],
  ['the account of a subject', subjects.accountOf('sector', 'sub'), '(sub=?'],
  ['the record of an opaque token', tokenRecords.byHandle('handle' as Sha256), '(handle=?'],
  ...tokenRecords
    .record(tokenRecord(1), 9)
    .slice(1, 3)
    .map(({ query }) => ['room for a record', query, '(client_id=?'] as const),
  ...tokenRecords
    .expire(NOW, 1)
    .map((query) => ['records that go', query, 'token_records_expiry (expires_at<?'] as const),
  ['what a key has spent', apiKeyQuotas.spent(key, from), '(api_key=? AND starts_at=?'],
  ['periods that are over', apiKeyQuotas.expire(from, 1), 'api_key_quotas_end (ends_at<?'],
  ['open leases', apiKeyLeases.open(key), 'api_key_leases_key (api_key=?'],
  ['leases that are lost', apiKeyLeases.expire(from, 1), 'api_key_leases_end (until<?'],
  ['verifiers of a resource', verifierInstances.ofResource(resource), 'verifier_instances_resource (resource_id=?'],
  ['verifiers that tell nothing', verifierInstances.expire(NOW, 1), 'verifier_instances_age (seen_at<?'],
  ['uses of a key', apiKeyUsage.of(key, from, to), '(id=? AND kind=? AND starts_at>? AND starts_at<?'],
  ['keys that are used most', apiKeyUsage.mostUsed(resource, from, to, 1), 'api_key_usage_resource (resource_id=?'],
  ['the last use of a key', apiKeyUsage.lastUse(key), '(id=? AND kind=?'],
  ['hours that go', apiKeyUsage.removeHours(from, 1), 'api_key_usage_age (span=? AND starts_at<?'],
  ['days that go', apiKeyUsage.expireDays(from, 1), 'api_key_usage_age (span=? AND starts_at<?'],
];

test.each(QUERIES)(
  '%s: an index answers, and nobody walks through a table that grows',
  (_, { text, values }, index) => {
    const connection = openConnection(':memory:', false);
    migrate(connection, NOW);
    const plan = connection.all({ text: `EXPLAIN QUERY PLAN ${text}`, values }).map(({ detail }) => String(detail));
    connection.close();
    expect(plan.join('\n')).toContain(index);
    expect(plan.filter((step) => /^SCAN (?!(c|dead|expired|newest)\b)/.test(step))).toEqual([]);
  },
);
