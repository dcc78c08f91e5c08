import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import type { Client } from '@latchkey/domain/clients/client';
import { PLAIN_RESOURCE, type Resource } from '@latchkey/domain/clients/resource';
import { allow } from '@latchkey/domain/decision';
import { COMMAND_LINE } from '@latchkey/protocol/command-line';
import { makeId } from '@latchkey/protocol/ids';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { keepRings } from './keys/rotate.ts';
import type { Server } from './server.ts';

/** What the server tells of a person, as far as it knows anything of it. @spec OIDC Core §5.4 */
export const ISSUER_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const;

/** The audience of the admin API. */
export const adminApiOf = (issuer: string): ResourceIdentifier => `${issuer}/admin/api` as ResourceIdentifier;

/** Makes what every deployment has: the server's own resources, and keys. A second call finds them. */
export async function bootstrap(server: Server): Promise<void> {
  const { issuer } = server.settings;
  await ensureResource(server, issuer, 'This server', ISSUER_SCOPES);
  await ensureResource(server, adminApiOf(issuer), 'The admin API', ADMIN_SCOPES);
  await ensureCommandLine(server);
  await keepRings(server);
}

/**
 * The client of our own command line. It is not first-party: it has no business with passwords, and what a person lets
 * it do they see, and can withdraw, as for any other.
 */
async function ensureCommandLine(server: Server): Promise<void> {
  const { clientId: id, name, redirectUri } = COMMAND_LINE;
  await server.commit(
    (read) => read.client(id),
    (known, { now }) => {
      if (known !== undefined) return allow(known);
      const client: Client = {
        id,
        version: 1,
        name,
        createdAt: now,
        deletedAt: undefined,
        authentication: 'none',
        firstParty: false,
        grantTypes: ['authorization_code', 'refresh_token'],
        scope: ADMIN_SCOPES,
        resources: [adminApiOf(server.settings.issuer)],
        origins: [],
        applicationType: 'native',
        redirectUris: [redirectUri],
        postLogoutRedirectUris: [],
        requiresPkce: true,
        idTokenAlgorithm: 'RS256',
        hasScopeClaimsInIdToken: false,
        refreshPolicy: 'rotate',
        overlapMilliseconds: undefined,
        backchannelLogoutUri: undefined,
        backchannelLogoutSessionRequired: false,
        sector: undefined,
        cutOff: undefined,
      };
      return allow(client, [{ kind: 'client.create', client }]);
    },
  );
}

async function ensureResource(server: Server, identifier: string, name: string, scope: readonly string[]) {
  const id = makeId('res', server.now(), server.entropy(10));
  await server.commit(
    (read) => read.resource(identifier as ResourceIdentifier),
    (known, { now }) => {
      if (known !== undefined) return allow(known);
      const resource: Resource = {
        id,
        version: 1,
        identifier: identifier as ResourceIdentifier,
        audience: identifier,
        name,
        createdAt: now,
        scope,
        algorithm: 'ES256',
        tokenType: 'at+jwt',
        accessTokenSeconds: server.settings.accessTokenSeconds,
        ...PLAIN_RESOURCE,
        builtIn: true,
      };
      return allow(resource, [{ kind: 'resource.create', resource }]);
    },
  );
}
