import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { transact } from '@latchkey/domain/transact';
import type { Write } from '@latchkey/domain/write';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { Timers } from '@latchkey/protocol/timers';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { memoryEphemeral } from '@latchkey/store/ephemeral/memory';
import { openSqlite, type SqliteStore } from '@latchkey/store/sqlite';
import { createUsageCounter } from './api-keys/count-usage.ts';
import { readAppearance } from './appearance/appearance.ts';
import { bootstrap } from './bootstrap.ts';
import { type BreachSource, createBreachedPasswords } from './breached-passwords/breached-passwords.ts';
import { openDigestFile } from './breached-passwords/digest-file.ts';
import { createRangeLookup } from './breached-passwords/range-lookup.ts';
import { openClaimHook } from './claim-hook/open-claim-hook.ts';
import { createFeed } from './feed/publish.ts';
import { createGuardedFetch, GUARD } from './guarded-fetch/guarded-fetch.ts';
import { type App, createApp } from './http/app.ts';
import { startJobs } from './jobs.ts';
import { createKeyRing } from './keys/open-key-ring.ts';
import { createMailbox } from './mail/mailbox.ts';
import type { Mailer } from './mail/mailer.ts';
import { withPause } from './mail/pause.ts';
import { createSmtpMailer } from './mail/smtp.ts';
import type { Log } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import { createMetrics } from './observe/prometheus.ts';
import { createRefusals } from './observe/refusal-ring.ts';
import { type Argon2Cost, createArgon2Hasher } from './prove/argon2-hasher.ts';
import { type Pepper, withPepper } from './prove/pepper.ts';
import { ROUTES } from './routes.ts';
import { createAuditMac, createSealer, csrfKey, kekCheck } from './seal/aead.ts';
import type { Server } from './server.ts';
import type { Settings } from './settings.ts';
import { createStatusLists } from './status-lists/build-status-lists.ts';
import { createUnknownGuesses } from './throttle/unknown-guesses.ts';

/** What a server is made of beside its settings. */
export interface Parts {
  readonly kek: Uint8Array;
  readonly log: Log;
  readonly metricsToken: string | undefined;
  readonly smtpPassword: string | undefined;
  /** Under which requests to a claim hook behind a URL are signed. */
  readonly claimHookSecret: string | undefined;
  readonly peppers: readonly Pepper[];
  /** Called when what is on disk is unknown: the process must end. */
  readonly onFault: (error: Error) => void;
  readonly now: () => EpochMilliseconds;
  /** Milliseconds that never go back, whatever is done to the clock: allowances refill by them. */
  readonly monotonic: () => number;
  readonly entropy: (bytes: number) => Uint8Array;
  readonly timers: Timers;
  readonly hashCost: Argon2Cost;
}

/** A server with all that belongs to it. */
export interface RunningServer {
  readonly server: Server;
  readonly app: App;
  /** From now on `/readyz` says no; what is under way goes on. */
  drain(): void;
  /** Ends streams and jobs, and closes the database. */
  close(): Promise<void>;
}

/** A clock that goes on from the time of now, and that nobody sets forth or back. */
export function createSteadyClock(now: () => EpochMilliseconds, monotonic: () => number): () => EpochMilliseconds {
  const offset = now() - monotonic();
  return () => Math.floor(offset + monotonic()) as EpochMilliseconds;
}

/** A database that was written under another key-encryption key. */
export class KekMismatch extends Error {
  override readonly name = 'KekMismatch';
}

/** The composition root: makes every part, and passes it on. */
export async function createServer(settings: Settings, parts: Parts): Promise<RunningServer> {
  const { kek, log, now, entropy } = parts;
  const store = await openStore(settings, parts);
  await checkKek(store, kek);
  const metrics = createMetrics();
  const seal = createSealer(kek);
  const commit: Server['commit'] = async (load, decide) => {
    const began = parts.monotonic();
    const committed = await transact(store, load, decide);
    metrics.observe('latchkey_commit_seconds', (parts.monotonic() - began) / 1000);
    tell(committed.writes, log, metrics);
    return committed;
  };
  const smtp = smtpOf(settings, parts);
  const mailbox = smtp === undefined && settings.mode === 'development' ? createMailbox(now) : undefined;
  const steady = createSteadyClock(now, parts.monotonic);
  const file = settings.breachedPasswordsFile;
  const digests = file === undefined ? undefined : openDigestFile(file);
  const breaches = [...(digests === undefined ? [] : [digests]), ...breachLookupOf(settings)];
  const keys = createKeyRing(store, seal);
  let draining = false;
  const server: Server = {
    settings,
    appearance: readAppearance(settings),
    store,
    ephemeral: memoryEphemeral(parts.monotonic),
    seal,
    keys,
    passwords: withPepper(
      createArgon2Hasher({
        cost: parts.hashCost,
        concurrency: settings.hashConcurrency ?? Math.max(1, availableParallelism() - 1),
        queueMax: settings.hashQueue,
        onQueue: (waiting) => metrics.set('latchkey_hash_queue', waiting),
      }),
      parts.peppers,
    ),
    breachedPasswords: createBreachedPasswords(breaches, { log, metrics }),
    unknownGuesses: createUnknownGuesses(),
    feed: createFeed(
      { store, commit, metrics, log, now, steady },
      { heartbeatMilliseconds: DURATIONS.heartbeatInterval * 1000, timers: parts.timers },
    ),
    statusLists: createStatusLists({ store, keys, settings, steady }),
    mail: smtp ?? mailbox,
    mailbox,
    claimHook: await openClaimHook(settings, { ...parts, metrics }),
    fetch: createGuardedFetch({ ...GUARD, allow: settings.fetchAllow }),
    log,
    metrics,
    refusals: createRefusals(`s${Buffer.from(entropy(4)).toString('hex')}`, entropy),
    usage: createUsageCounter({ commit, now, log }),
    csrfKey: csrfKey(kek),
    metricsToken: parts.metricsToken,
    isDraining: () => draining,
    entropy,
    now,
    steady,
    commit,
  };
  await bootstrap(server);
  await server.feed.open();
  const stopJobs = startJobs(server, parts.timers);
  return {
    server,
    app: createApp(server, ROUTES),
    drain() {
      draining = true;
      server.feed.close();
    },
    async close() {
      draining = true;
      server.feed.close();
      await stopJobs();
      try {
        await server.usage.flush();
      } finally {
        await store.close();
        digests?.close();
      }
    },
  };
}

function smtpOf({ smtpUrl, mailFrom, pagesName }: Settings, { smtpPassword, monotonic }: Parts): Mailer | undefined {
  if (smtpUrl === undefined || mailFrom === undefined) return undefined;
  const from = { name: pagesName, address: mailFrom };
  return withPause(createSmtpMailer({ url: smtpUrl, password: smtpPassword, from }), monotonic);
}

/** The service that is asked about new passwords, if one is. */
function breachLookupOf({ breachedPasswordsLookup: base, fetchAllow: allow }: Settings): readonly BreachSource[] {
  if (base === 'off') return [];
  const limits = { milliseconds: DURATIONS.breachLookup * 1000, bytesMax: LIMITS.breachAnswerBytesMax };
  return [createRangeLookup(base, createGuardedFetch({ ...GUARD, ...limits, allow }))];
}

function openStore(settings: Settings, { kek, now, onFault }: Parts): Promise<SqliteStore> {
  if (settings.data !== ':memory:') mkdirSync(settings.data, { recursive: true, mode: 0o700 });
  const path = settings.data === ':memory:' ? settings.data : join(settings.data, 'latchkey.db');
  return openSqlite({ path, now, auditMac: createAuditMac(kek), onFault });
}

async function checkKek(store: SqliteStore, kek: Uint8Array): Promise<void> {
  const known = await store.kekCheck();
  if (known === undefined) return store.setKekCheck(kekCheck(kek));
  if (Buffer.compare(known, kekCheck(kek)) === 0) return;
  await store.close();
  throw new KekMismatch('the database was written under another key-encryption key');
}

/** Tells log and metrics of what is now on disk. */
function tell(writes: readonly Write[], log: Log, metrics: Metrics): void {
  for (const write of writes) {
    if (write.kind === 'revocation.emit') {
      metrics.count('latchkey_revocations_total', { kind: write.event.kind });
      continue;
    }
    if (write.kind !== 'audit.append' && write.kind !== 'alert.raise') continue;
    const { event, actor, subject, detail } = write.entry;
    const fields = { audit: event, actor, ...subject, ...detail };
    if (write.kind === 'alert.raise') {
      metrics.count('latchkey_alerts_total', { event });
      log.warn('alert', fields);
    } else log.info('audit', fields);
  }
}
