import { type Client, isPublic, type ProvedClient, proved } from '@latchkey/domain/clients/client';
import type { ErrorId } from '@latchkey/protocol/errors';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Call, Refusal, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';
import { parseBasic } from './basic.ts';
import { matchSecret } from './secret.ts';

/** How a client said who it is. */
interface Presented {
  readonly method: 'none' | 'client_secret_basic' | 'client_secret_post';
  readonly id: string;
  readonly secret: string;
}

/** Wrong secrets from one address: beyond this the answer is to wait. */
const FAILURES = { burst: 60, perMinute: 30 } as const;

/**
 * Proves a client by exactly one method, the one that it is registered for. A public client only names itself.
 *
 * @returns `client_authentication_missing`, `client_authentication_twice`, `client_authentication_malformed`,
 *   `credentials_in_query`, `client_unknown`, `client_deleted`, `client_method_wrong`, `client_secret_wrong`,
 *   `client_secret_expired`, `rate_limited`
 * @spec RFC 6749 §2.3, §3.2.1
 */
export async function proveClient(
  call: Call,
  form: Parameters,
  server: Server,
): Promise<Result<ProvedClient, Refusal>> {
  if (call.url.searchParams.has('client_secret')) return fail({ error: 'credentials_in_query' });
  const presented = presentedBy(call.request.headers.get('authorization'), form);
  if (!presented.ok) return fail({ error: presented.error });
  const { id, method, secret } = presented.value;
  const clientId = parseId('cli', id);
  const client = clientId === undefined ? undefined : await server.store.read.client(clientId);
  const about = client === undefined ? {} : { client: client.id };
  const checked = await check(client, method, secret, server);
  if (checked.ok) return ok(checked.value);
  const wait = await server.ephemeral.take(`client:${addressKey(call.address)}`, FAILURES);
  if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) }, about });
  return fail({ error: checked.error, about });
}

function presentedBy(authorization: string | null, form: Parameters): Result<Presented, ErrorId> {
  const basic = parseBasic(authorization);
  if (!basic.ok) return basic;
  const id = form.get('client_id');
  const secret = form.get('client_secret');
  if (basic.value !== undefined) {
    // naming oneself in the body too is no second method, as long as it is the same name
    if (secret !== undefined || (id !== undefined && id !== basic.value.id)) return fail('client_authentication_twice');
    return ok({ method: 'client_secret_basic', ...basic.value });
  }
  if (id === undefined) return fail('client_authentication_missing');
  if (secret === undefined) return ok({ method: 'none', id, secret: '' });
  return ok({ method: 'client_secret_post', id, secret });
}

async function check(
  client: Client | undefined,
  method: Presented['method'],
  secret: string,
  server: Server,
): Promise<Result<ProvedClient, ErrorId>> {
  if (method === 'none') {
    if (client === undefined) return fail('client_unknown');
    if (!isPublic(client)) return fail('client_authentication_missing');
  } else {
    if (secret.length > LIMITS.clientSecretMax) return fail('client_secret_wrong');
    const stored = client === undefined ? [] : await server.store.read.secrets(client.id);
    const { now } = await server.store.read.moment();
    const match = matchSecret(secret, stored, now);
    if (client === undefined) return fail('client_unknown');
    if (client.deletedAt !== undefined) return fail('client_deleted');
    if (client.authentication !== method) return fail('client_method_wrong');
    if (!match.ok) return match;
  }
  if (client.deletedAt !== undefined) return fail('client_deleted');
  return ok(proved(client));
}
