import type { Lease, ReportAnswer, UsageCount } from '@latchkey/protocol/api-key-terms';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import type { Resource } from '../clients/resource.ts';
import { allow, type Decision, refuse } from '../decision.ts';
import type { Moment, Reader } from '../ports/reader.ts';
import type { Write } from '../write.ts';
import type { ApiKey } from './api-key.ts';
import { closeLease, grantLease, isLeaseLost } from './lease.ts';
import { loadQuota, periodOf, type QuotaFacts } from './quota.ts';
import type { StoredLease } from './stored-lease.ts';
import { believed } from './usage.ts';
import type { VerifierInstance } from './verifier-instance.ts';

/** What a verifier tells, with whose verifier it is. */
export interface ReportCommand {
  readonly resource: Pick<Resource, 'id' | 'identifier'>;
  readonly instance: string;
  readonly number: number;
  readonly usage: readonly UsageCount[];
  readonly closed: readonly { readonly id: string; readonly used: number }[];
  readonly renew: readonly string[];
  /** Shares of rates: counters that may be lost, so they are counted before the transaction. */
  readonly rates: ReportAnswer['rates'];
  /** What the names of new leases begin with: unlike any before. */
  readonly leaseIds: string;
}

export interface ReportFacts {
  /** What the verifier of this name told last. */
  readonly before: VerifierInstance | undefined;
  /** How many verifiers the resource has, as far as they told anything lately. */
  readonly instances: number;
  readonly keys: ReadonlyMap<string, QuotaFacts>;
  readonly leases: ReadonlyMap<string, StoredLease>;
}

/** What the verifier is answered, and what of its report was of keys and leases that are none of its business. */
export interface Reported {
  readonly answer: ReportAnswer;
  readonly ignored: readonly string[];
}

const NOTHING: ReportAnswer = { leases: [], rates: [] };

type ReportReader = Pick<
  Reader,
  'apiKey' | 'quotaSpent' | 'openLeases' | 'lease' | 'verifierInstance' | 'verifierInstances'
>;

/** Reads every key and lease that a report is about; of a report that came before, only that it did. */
export async function loadReport(read: ReportReader, command: ReportCommand, moment: Moment): Promise<ReportFacts> {
  const before = await read.verifierInstance(command.instance);
  const facts = { before, instances: 0, keys: new Map<string, QuotaFacts>(), leases: new Map<string, StoredLease>() };
  if (before !== undefined && (before.number >= command.number || before.resourceId !== command.resource.id))
    return facts;
  if (before === undefined) facts.instances = await read.verifierInstances(command.resource.id);
  for (const { id } of command.closed) {
    const lease = await read.lease(id);
    if (lease !== undefined) facts.leases.set(id, lease);
  }
  const named = [...command.usage.map(({ api_key }) => api_key), ...command.renew];
  const held = [...facts.leases.values()].map(({ apiKey }): string => apiKey);
  for (const text of new Set([...named, ...held])) {
    const id = parseId('key', text);
    const key = id === undefined ? undefined : await read.apiKey(id);
    if (key !== undefined) facts.keys.set(text, await loadQuota(read, key, moment));
  }
  return facts;
}

/**
 * Decides what a report changes: uses are added up, leases are closed and what is left of them comes back, new ones are
 * granted. A report counts once: the one that came last is answered the same again, and one before it not at all.
 * A verifier speaks of the keys of its own resource only, and closes only what it holds itself.
 *
 * @returns `verifier_instance_taken`, `overloaded`
 */
export function decideReport(facts: ReportFacts, command: ReportCommand, { now }: Moment): Decision<Reported> {
  const { before } = facts;
  const { resource, instance, number } = command;
  if (before !== undefined && before.resourceId !== resource.id) return refuse('verifier_instance_taken');
  if (before !== undefined && before.number === number) return allow({ answer: before.answer, ignored: [] });
  if (before !== undefined && before.number > number) return allow({ answer: NOTHING, ignored: [] });
  if (facts.instances >= LIMITS.verifierInstancesMax) return refuse('overloaded');

  const closing = close(facts, command, now);
  const granting = grant(closing.keys, command, now);
  const adding = addUsage(facts, command, now);
  const answer = { leases: granting.leases, rates: command.rates };
  const told = { instance, resourceId: resource.id, number, answer, seenAt: now };
  return allow({ answer, ignored: [...closing.ignored, ...granting.ignored, ...adding.ignored] }, [
    { kind: 'verifier.report', told },
    ...closing.writes,
    ...granting.writes,
    ...adding.writes,
  ]);
}

const isOf = ({ resource }: ReportCommand, key: ApiKey): boolean => key.resource === resource.identifier;

/** Closes leases, each once, and says what the keys have spent then. */
function close(facts: ReportFacts, command: ReportCommand, now: EpochMilliseconds) {
  const keys = new Map(facts.keys);
  const closed = new Map(command.closed.map(({ id, used }) => [id, used]));
  const ignored: string[] = [];
  const writes: Write[] = [];
  for (const [id, used] of closed) {
    const lease = facts.leases.get(id);
    const isOwn = lease?.resourceId === command.resource.id && lease.instance === command.instance;
    if (lease === undefined || !isOwn) {
      ignored.push(id);
      continue;
    }
    const made = closeLease(lease, used, now);
    writes.push(...made);
    const key = keys.get(lease.apiKey);
    if (key !== undefined && !isLeaseLost(lease, now)) keys.set(lease.apiKey, withBack(key, lease, made, now));
  }
  return { keys, ignored, writes };
}

/** A key's quota after a lease of it was closed. */
function withBack(
  facts: QuotaFacts,
  { startsAt }: StoredLease,
  writes: readonly Write[],
  now: EpochMilliseconds,
): QuotaFacts {
  const { quota } = facts.key;
  const isOfNow = quota !== undefined && periodOf(quota.period, now).startsAt === startsAt;
  const back = writes.reduce((sum, write) => sum + (write.kind === 'quota.credit' ? write.uses : 0), 0);
  return { ...facts, openLeases: facts.openLeases - 1, spent: Math.max(0, facts.spent - (isOfNow ? back : 0)) };
}

/** Grants a lease of each key that one is wanted of: a key that lives and has a quota. */
function grant(keys: ReadonlyMap<string, QuotaFacts>, command: ReportCommand, now: EpochMilliseconds) {
  const ignored: string[] = [];
  const leases: Lease[] = [];
  const writes: Write[] = [];
  for (const [index, text] of [...new Set(command.renew)].entries()) {
    const facts = keys.get(text);
    if (facts === undefined || !isOf(command, facts.key)) {
      ignored.push(text);
      continue;
    }
    if (facts.key.ended !== undefined || facts.key.expiresAt <= now) continue;
    const id = `${command.leaseIds}.${index}`;
    const granted = grantLease(facts, { id, resourceId: command.resource.id, instance: command.instance }, now);
    if (granted === undefined) continue;
    leases.push(granted.lease);
    writes.push(...granted.writes);
  }
  return { ignored, leases, writes };
}

/** Adds uses to those of their hour. */
function addUsage(facts: ReportFacts, command: ReportCommand, now: EpochMilliseconds) {
  const ignored: string[] = [];
  const writes: Write[] = [];
  for (const count of command.usage) {
    const key = facts.keys.get(count.api_key)?.key;
    const counted = believed(count, now);
    if (key === undefined || counted === undefined || !isOf(command, key)) {
      ignored.push(count.api_key);
      continue;
    }
    const usage = { ...counted, apiKey: key.id, resourceId: command.resource.id };
    writes.push({ kind: 'usage.add', usage });
  }
  return { ignored, writes };
}
