import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import { type CreateClientCommand, decideCreateClient, loadCreateClient } from '@latchkey/domain/clients/create-client';
import { makeId, parseId } from '@latchkey/protocol/ids';
import type { ClientId } from '@latchkey/protocol/types';
import { adminApiOf } from './bootstrap.ts';
import { secretHash } from './prove/secret.ts';
import type { Server } from './server.ts';

/** What stands in the file of an administrator's client. */
export interface CredentialFile {
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
}

/**
 * Makes an administrator's client, and a file with its credential that only its owner can read. A file that is there,
 * and whose client still is, stays as it is.
 *
 * @returns the client's id, and whether it was made now
 */
export async function ensureAdministrator(
  server: Server,
  file: string,
): Promise<{ readonly clientId: ClientId; readonly isNew: boolean }> {
  const known = await knownClient(server, file);
  if (known !== undefined) return { clientId: known, isNew: false };

  const { issuer } = server.settings;
  const secret = `lk_cs_${Buffer.from(server.entropy(32)).toString('base64url')}`;
  const command: CreateClientCommand = {
    administrator: { id: 'server', scope: ADMIN_SCOPES },
    id: makeId('cli', server.now(), server.entropy(10)),
    name: 'Administrator',
    authentication: 'client_secret_basic',
    firstParty: false,
    grantTypes: ['client_credentials'],
    scope: ADMIN_SCOPES,
    resources: [adminApiOf(issuer)],
    origins: [],
    applicationType: 'web',
    redirectUris: [],
    postLogoutRedirectUris: [],
    backchannelLogoutUri: undefined,
    backchannelLogoutSessionRequired: false,
    requiresPkce: true,
    idTokenAlgorithm: 'RS256',
    hasScopeClaimsInIdToken: false,
    refreshPolicy: 'rotate',
    overlapMilliseconds: undefined,
    secret: { id: makeId('sec', server.now(), server.entropy(10)), hash: secretHash(secret) },
    adminApi: adminApiOf(issuer),
    subjects: { type: 'public' },
    fetchAllow: [],
  };
  const { outcome } = await server.commit(
    (read) => loadCreateClient(read, command),
    (facts, moment) => decideCreateClient(facts, command, moment),
  );
  if (!outcome.ok) throw new Error(`the administrator's client could not be made: ${outcome.error}`);
  const credential: CredentialFile = { issuer, client_id: command.id, client_secret: secret };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(credential, null, 2)}\n`, { mode: 0o600 });
  return { clientId: command.id, isNew: true };
}

async function knownClient(server: Server, file: string): Promise<ClientId | undefined> {
  if (!existsSync(file)) return undefined;
  const credential: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const id = typeof credential === 'object' && credential !== null && 'client_id' in credential && credential.client_id;
  const clientId = typeof id === 'string' ? parseId('cli', id) : undefined;
  const client = clientId === undefined ? undefined : await server.store.read.client(clientId);
  return client === undefined || client.deletedAt !== undefined ? undefined : client.id;
}
