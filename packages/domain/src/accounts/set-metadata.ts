import type { AccountId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import { changedEvent } from '../api-keys/writes.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { AccountReader, ApiKeyReader, Moment } from '../ports/reader.ts';
import type { Account } from './account.ts';
import type { AccountMetadata } from './metadata.ts';

/** Metadata, read beforehand, in the place of what was kept before. */
export interface SetMetadataCommand extends Pick<AccountMetadata, 'tenant' | 'values'> {
  readonly id: AccountId;
  readonly administrator: Administrator;
  /** The version that was looked at; undefined for whatever there is. */
  readonly version: number | undefined;
}

export interface SetMetadataFacts {
  readonly account: Account | undefined;
  readonly metadata: AccountMetadata | undefined;
  /** What verifiers keep of its API keys says its tenant. */
  readonly liveApiKeys: number;
}

export const loadSetMetadata = async (
  read: Pick<AccountReader, 'account' | 'metadata'> & Pick<ApiKeyReader, 'liveApiKeys'>,
  id: AccountId,
  { now }: Pick<Moment, 'now'>,
): Promise<SetMetadataFacts> => ({
  account: await read.account(id),
  metadata: await read.metadata(id),
  liveApiKeys: await read.liveApiKeys(id, now),
});

/**
 * Decides what is kept about an account for its APIs. It stands in the next access token; those that there are already
 * are replaced within their life of minutes; of its API keys verifiers ask again when the tenant is another. The audit log
 * names what changed, and no value but the tenant.
 *
 * @returns `not_found`, `changed_meanwhile`
 */
export function decideSetMetadata(
  { account, metadata: before, liveApiKeys }: SetMetadataFacts,
  { id, administrator, version, tenant, values }: SetMetadataCommand,
  { now }: Moment,
): Decision<AccountMetadata> {
  if (account === undefined) return refuse('not_found');
  const known = before ?? { accountId: id, version: 0, tenant: undefined, values: {} };
  if (version !== undefined && version !== known.version) return refuse('changed_meanwhile');
  const fields = changed(known, { tenant, values });
  if (fields.length === 0) return allow(known);
  const metadata: AccountMetadata = { accountId: id, version: known.version + 1, tenant, values };
  return allow(metadata, [
    { kind: 'account_metadata.set', metadata },
    ...(tenant === known.tenant || liveApiKeys === 0 ? [] : [changedEvent(id, now)]),
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'account.metadata_changed',
        actor: administrator.id,
        subject: { account: id },
        detail: { fields: fields.join(' '), ...(tenant === undefined ? {} : { tenant }) },
      },
    },
  ]);
}

type Content = Pick<AccountMetadata, 'tenant' | 'values'>;

/** The names that do not stand for the same in both. */
function changed(before: Content, after: Content): readonly string[] {
  const names = new Set([...Object.keys(before.values), ...Object.keys(after.values)]);
  const values = [...names].filter(
    (name) => JSON.stringify(before.values[name]) !== JSON.stringify(after.values[name]),
  );
  return [...(before.tenant === after.tenant ? [] : ['tenant']), ...values.sort()];
}
