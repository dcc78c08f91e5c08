import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import type { Resource } from '@latchkey/domain/clients/resource';
import { allow } from '@latchkey/domain/decision';
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
  await keepRings(server);
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
        builtIn: true,
      };
      return allow(resource, [{ kind: 'resource.create', resource }]);
    },
  );
}
