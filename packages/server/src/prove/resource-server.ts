import type { OwnerSecret } from '@latchkey/domain/clients/client';
import type { Resource } from '@latchkey/domain/clients/resource';
import type { ErrorId } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Call, Refusal, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';
import { parseBasic } from './basic.ts';
import { matchSecret } from './secret.ts';

/** A resource server, and with which of its secrets it came. */
export interface ProvedResourceServer {
  readonly resource: Resource;
  readonly secret: OwnerSecret;
}

const FAILURES = { burst: 60, perMinute: 30 } as const;

/**
 * Proves a resource server by its id and secret; undefined when the request brings no Basic credentials at all.
 *
 * @returns `client_authentication_malformed`, `client_unknown`, `client_secret_wrong`, `client_secret_expired`,
 *   `rate_limited`
 * @spec RFC 7662 §2.1 (the endpoint asks for authorization of its caller)
 */
export async function proveResourceServer(
  call: Call,
  server: Server,
): Promise<Result<ProvedResourceServer | undefined, Refusal>> {
  const basic = parseBasic(call.request.headers.get('authorization'));
  if (!basic.ok) return fail({ error: basic.error });
  if (basic.value === undefined) return ok(undefined);
  const checked = await check(basic.value.id, basic.value.secret, server);
  if (checked.ok) return checked;
  const wait = await server.ephemeral.take(`client:${addressKey(call.address)}`, FAILURES);
  if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  return fail({ error: checked.error });
}

async function check(id: string, secret: string, server: Server): Promise<Result<ProvedResourceServer, ErrorId>> {
  const resourceId = parseId('res', id);
  const resource = resourceId === undefined ? undefined : await server.store.read.resourceById(resourceId);
  const stored = resource === undefined ? [] : await server.store.read.secrets(resource.id);
  if (secret.length > LIMITS.clientSecretMax) return fail('client_secret_wrong');
  const { now } = await server.store.read.moment();
  const match = matchSecret(secret, stored, now);
  if (resource === undefined) return fail('client_unknown');
  return match.ok ? ok({ resource, secret: match.value }) : match;
}
