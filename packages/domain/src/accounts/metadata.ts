import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';

/** What one name of the metadata stands for. */
export type MetadataValue = string | number | boolean | readonly string[];
export type MetadataValues = Readonly<Record<string, MetadataValue>>;

/**
 * What a deployment keeps about an account for its APIs: administrators write it, its owner does not. None of it stands in
 * a token unless a resource maps it to a claim.
 */
export interface AccountMetadata {
  readonly accountId: AccountId;
  readonly version: number;
  /** The organisation that the account belongs to: the `org_id` of its tokens. */
  readonly tenant: string | undefined;
  readonly values: MetadataValues;
}

/** What is wrong with metadata: the member that it is about, and what it must be. */
export interface MetadataProblem {
  readonly member: string;
  readonly form: string;
}

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/;
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;
const UTF8 = new TextEncoder();

/** Whether a text is the name of a tenant. */
const isTenant = (text: string): boolean => text.length <= LIMITS.tenantMax && TENANT.test(text);

/** Whether a text is the name of an entry of metadata. */
export const isMetadataName = (text: string): boolean => text.length <= LIMITS.metadataNameMax && NAME.test(text);

/** What an administrator sends, read: a tenant, and names with values of a few plain types, in one order. */
export function parseMetadata(
  tenant: string | undefined,
  values: Readonly<Record<string, unknown>>,
): Result<Pick<AccountMetadata, 'tenant' | 'values'>, MetadataProblem> {
  if (tenant !== undefined && !isTenant(tenant))
    return fail({ member: 'tenant', form: `letters, digits and . _ : -, at most ${LIMITS.tenantMax}` });
  const names = Object.keys(values);
  if (names.length > LIMITS.metadataEntriesMax)
    return fail({ member: 'values', form: `at most ${LIMITS.metadataEntriesMax} entries` });
  const wrong = names.find((name) => !isMetadataName(name));
  if (wrong !== undefined)
    return fail({ member: 'values', form: `named by letters, digits and . _ -, at most ${LIMITS.metadataNameMax}` });
  const odd = names.find((name) => !isValue(values[name]));
  if (odd !== undefined)
    return fail({
      member: `values.${odd}`,
      form: 'a text, a number, true or false, or a list of texts, none too long',
    });
  const sorted = Object.fromEntries(names.sort().map((name) => [name, values[name]])) as MetadataValues;
  if (UTF8.encode(JSON.stringify(sorted)).length > LIMITS.metadataBytesMax)
    return fail({ member: 'values', form: `at most ${LIMITS.metadataBytesMax} bytes of JSON` });
  return ok({ tenant, values: sorted });
}

const isText = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= LIMITS.metadataTextMax && value.isWellFormed();

function isValue(value: unknown): value is MetadataValue {
  if (Array.isArray(value)) return value.length <= LIMITS.metadataListMax && value.every(isText);
  return isText(value) || Number.isFinite(value) || typeof value === 'boolean';
}
