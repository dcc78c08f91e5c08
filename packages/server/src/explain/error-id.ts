import type { Reader } from '@latchkey/domain/ports/reader';
import { errorRow } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import type { RememberedRefusal } from '../observe/refusals.ts';
import type { Server } from '../server.ts';
import { eventInAudit, eventOfEnd } from './events.ts';
import type { Check, Explanation, HappenedEvent } from './explanation.ts';

const KIND = 'the id of a refusal';

/** Explains a refusal by its id: one of this process, or one that a verifier has reported. */
export async function explainErrorId(id: string, server: Server): Promise<Explanation> {
  const refusal = server.refusals.find(id);
  if (refusal === undefined) return notKept(id, server);
  const { read } = server.store;
  const row = errorRow(refusal.error);
  const about = Object.entries(refusal.about).map(([kind, value]) => `${kind} ${value}`);
  const checks: Check[] = [
    { check: 'known', result: 'passed', text: `Refused at ${new Date(refusal.at).toISOString()} by ${refusal.where}.` },
    ...(about.length === 0
      ? []
      : [{ check: 'about', result: 'passed', text: `It was about ${about.join(', ')}.` } as const]),
    { check: refusal.error, result: 'failed', text: row.description },
  ];
  const event = await eventBehind(refusal, read);
  return { kind: KIND, checks, ...(event === undefined ? {} : { event }), advice: row.mend };
}

function notKept(id: string, server: Server): Explanation {
  const name = id.slice(0, id.lastIndexOf('-'));
  const isOwn = name === server.refusals.name;
  const text = isOwn
    ? 'This process made the id, and no longer keeps the refusal.'
    : `The id was made by the process ${name}, which is not this one, and no verifier has reported it here.`;
  const advice = isOwn
    ? 'Search the log of this server for the id.'
    : `Search the log of ${name} for the id. A verifier reports within seconds: if it was just now, try again.`;
  return { kind: KIND, checks: [{ check: 'known', result: 'failed', text }], advice };
}

/** What had happened before to what a refusal was about. */
async function eventBehind({ error, about }: RememberedRefusal, read: Reader): Promise<HappenedEvent | undefined> {
  if (!BECAUSE_OF_AN_END.has(error)) return undefined;
  const ids = Object.values(about);
  return (
    (await firstOf(ids, (id) => familyEvent(id, read))) ??
    (await firstOf(ids, (id) => sessionEvent(id, read))) ??
    (await firstOf(ids, (id) => eventInAudit(id, ['token.revoked'], 'It was revoked by its id.', read))) ??
    (await firstOf(ids, (id) => eventInAudit(id, ['key.revoked'], 'The key was revoked.', read))) ??
    (await firstOf(ids, (id) => eventInAudit(id, ['account.disabled'], 'The account was disabled.', read))) ??
    (await firstOf(ids, (id) => eventInAudit(id, ['client.deleted'], 'The client was deleted.', read)))
  );
}

/** Refusals that say that something which was good once has ended. */
const BECAUSE_OF_AN_END: ReadonlySet<string> = new Set([
  'refresh_token_ended',
  'refresh_token_reused',
  'refresh_token_newer_than_store',
  'refresh_token_key_unknown',
  'token_revoked',
  'token_key_revoked',
  'account_disabled',
  'client_deleted',
]);

async function firstOf(
  ids: readonly string[],
  look: (id: string) => Promise<HappenedEvent | undefined>,
): Promise<HappenedEvent | undefined> {
  for (const id of ids) {
    const event = await look(id);
    if (event !== undefined) return event;
  }
  return undefined;
}

async function familyEvent(text: string, read: Reader): Promise<HappenedEvent | undefined> {
  const id = parseId('fam', text);
  const family = id === undefined ? undefined : await read.family(id);
  if (family?.ended !== undefined) return eventOfEnd('the token family', family.id, family.ended, read);
  return family?.sessionId === undefined ? undefined : sessionEvent(family.sessionId, read);
}

async function sessionEvent(text: string, read: Reader): Promise<HappenedEvent | undefined> {
  const id = parseId('ses', text);
  const session = id === undefined ? undefined : await read.session(id);
  return session?.ended === undefined ? undefined : eventOfEnd('the session', session.id, session.ended, read);
}
