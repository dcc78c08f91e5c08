import type { AuditEvent, AuditRow } from '@latchkey/domain/audit';
import type { Ended } from '@latchkey/domain/login/session';
import type { Reader } from '@latchkey/domain/ports/reader';
import type { EndReason } from '@latchkey/domain/tokens/end-reason';
import { parseId } from '@latchkey/protocol/ids';
import type { ResourceId } from '@latchkey/protocol/types';
import type { HappenedEvent } from './explanation.ts';

/** Rows of the audit log that are looked through for what happened to one id. */
const ROWS = 50;

const REASONS: Readonly<Record<EndReason, string>> = {
  logout: 'The person logged out.',
  ended_by_owner: 'Its owner ended it in the list of sessions.',
  ended_by_administrator: 'An administrator ended it.',
  password_changed: 'The password of the account changed.',
  account_disabled: 'The account was disabled.',
  client_deleted: 'The client was deleted.',
  revoked_by_client: 'The client revoked it.',
  refresh_token_reused:
    'A refresh token was presented that had been replaced: either the owner or a thief had an old one.',
  refresh_token_newer_than_store: 'A refresh token was newer than the database: the database is an older copy.',
  mac_key_revoked: 'The MAC key of its refresh token was revoked.',
  consent_withdrawn: 'The person took back what they had allowed the client.',
  other_account_signed_in: 'Somebody else signed in with the same browser.',
  authorization_code_replayed: 'The authorization code that it came from was redeemed a second time: it was stolen.',
  too_many_families: 'The client had as many logins of this account as it may have, and this was unused for longest.',
  leaked: 'Its secret was found where it should not be, and reported.',
  too_many_sessions: 'The account had as many sessions as it may have, and this was the oldest.',
};

/** The end of a session or family, from its own row; a reuse also says which generation came. */
export async function eventOfEnd(what: string, id: string, ended: Ended, read: Reader): Promise<HappenedEvent> {
  const row = ended.reason === 'refresh_token_reused' ? await auditRow(id, ['refresh_token.reused'], read) : undefined;
  const presented = row?.detail.presented_generation;
  const current = row?.detail.current_generation;
  const more =
    presented === undefined
      ? ''
      : ` Generation ${String(presented)} was presented, when ${String(current)} was current.`;
  return {
    what: `${what} ended`,
    when: new Date(ended.at).toISOString(),
    by: await actorText(ended.by, read),
    why: REASONS[ended.reason] + more,
  };
}

/** The newest of these events that names an id, from the audit log. */
export async function eventInAudit(
  id: string,
  events: readonly AuditEvent[],
  why: string,
  read: Reader,
): Promise<HappenedEvent | undefined> {
  const row = await auditRow(id, events, read);
  if (row === undefined) return undefined;
  return {
    what: row.event,
    when: new Date(row.at).toISOString(),
    by: await actorText(row.actor, read),
    why,
  };
}

/** By what a secret that a resource shared was revoked: the rotation after it was made that left no other good. */
export async function sharedSecretRevocation(
  kid: string,
  resource: ResourceId,
  read: Reader,
): Promise<HappenedEvent | undefined> {
  const made = await auditRow(kid, ['resource.shared_secret_rotated'], read);
  if (made === undefined || made.subject.key !== kid) return undefined;
  const row = (await read.auditOf(resource, ROWS)).findLast(
    ({ id, event, detail }) =>
      id > made.id && event === 'resource.shared_secret_rotated' && detail.revoked_others === true,
  );
  if (row === undefined) return undefined;
  const when = new Date(row.at).toISOString();
  const why = 'The secret was revoked, and with it every token under it.';
  return { what: row.event, when, by: await actorText(row.actor, read), why };
}

const auditRow = async (id: string, events: readonly AuditEvent[], read: Reader): Promise<AuditRow | undefined> =>
  (await read.auditOf(id, ROWS)).find(({ event }) => events.includes(event));

/** Who did it, by id and by the name that people know. */
async function actorText(actor: string, read: Reader): Promise<string> {
  if (actor === 'server') return 'the server itself';
  const client = parseId('cli', actor);
  if (client !== undefined) {
    const name = (await read.client(client))?.name;
    return `client ${client}${name === undefined ? '' : ` (${name})`}`;
  }
  const account = parseId('acc', actor);
  if (account === undefined) return actor;
  const [identifier] = await read.identifiers(account);
  return `account ${account}${identifier === undefined ? '' : ` (${identifier.display})`}`;
}
