import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientId } from '@latchkey/protocol/types';
import { openSqlite } from '@latchkey/store/sqlite';
import { createServer } from './create-server.ts';
import { ensureAdministrator } from './initialise.ts';
import type { Configuration } from './load-configuration.ts';
import type { Log } from './observe/log.ts';
import { createAuditMac } from './seal/aead.ts';
import { issueSetUpLink, type SetUpLink } from './set-up-link.ts';
import { systemParts } from './system.ts';

const SILENT: Log = { info() {}, warn() {}, error() {} };

const fault = (error: Error): never => {
  throw error;
};

/** The administrator's client, and the link for a person, where there is one to tell. */
export interface Initialised {
  readonly clientId: ClientId;
  readonly isNew: boolean;
  readonly link: SetUpLink | undefined;
}

/**
 * Makes what a deployment begins with: data folder and database, keys, the administrator's client and the file with
 * its credential; and a link for the first person who administers. What is there already stays.
 */
export async function initialise(
  { settings, kek }: Pick<Configuration, 'settings' | 'kek'>,
  credentialFile: string,
  isAnotherWanted: boolean,
): Promise<Initialised> {
  const running = await createServer(settings, {
    kek,
    log: SILENT,
    metricsToken: undefined,
    smtpPassword: undefined,
    claimHookSecret: undefined,
    peppers: [],
    onFault: fault,
    ...systemParts(),
  });
  try {
    const made = await ensureAdministrator(running.server, credentialFile);
    return { ...made, link: await issueSetUpLink(running.server, isAnotherWanted) };
  } finally {
    running.drain();
    await running.close();
  }
}

/** Brings the schema to this release, as each start does too. Undefined when there is no database yet. */
export async function migrateDatabase({
  settings,
  kek,
}: Pick<Configuration, 'settings' | 'kek'>): Promise<string | undefined> {
  const path = join(settings.data, 'latchkey.db');
  if (!existsSync(path)) return undefined;
  const store = await openSqlite({ path, now: systemParts().now, auditMac: createAuditMac(kek), onFault: fault });
  await store.close();
  return path;
}
