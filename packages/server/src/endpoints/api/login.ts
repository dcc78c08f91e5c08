import type { PasswordProof } from '@latchkey/domain/accounts/password-credential';
import type { Client } from '@latchkey/domain/clients/client';
import { decideLogIn, type LogInCommand, loadLogIn } from '@latchkey/domain/login/log-in';
import type { Delivery } from '@latchkey/domain/tokens/family';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { SEED_BYTES } from '@latchkey/tokens/formats/refresh-token';
import { z } from 'zod';
import { adminApiOf } from '../../bootstrap.ts';
import { CSRF_HEADER, csrfToken, loginCookies, withCookies } from '../../http/cookies.ts';
import { json } from '../../http/headers.ts';
import { isSameOrigin } from '../../http/same-origin.ts';
import { mintTokens, tokenResponse } from '../../mint/token-response.ts';
import { proveGuess, withWait } from '../../prove/guess.ts';
import { proveHookClaims } from '../../prove/hook-claims.ts';
import { deviceCookie } from '../../prove/known-device.ts';
import { detailOf } from '../../refused.ts';
import { seedPlace } from '../../seal/places.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../server.ts';
import { addressKey } from '../../throttle/address.ts';
import { PASSWORD, RESOURCE, readFields, resourceOf, SCOPE, text } from './fields.ts';

const LOGIN = z.object({
  username: text(4 * LIMITS.identifierMax),
  password: PASSWORD,
  client_id: text(64).optional(),
  resource: RESOURCE,
  scope: SCOPE,
  delivery: z.enum(['body', 'cookie']).default('body'),
});

type Login = z.infer<typeof LOGIN>;

/** Attempts from one address: every login, not only those that fail, since each costs a hash. */
const ATTEMPTS = { burst: 60, perMinute: 60 } as const;

/**
 * Signs a person in with a password, for the deployment's own clients: the first-party API.
 *
 * @spec RFC 6749 §5.1 (names of the answer); SP 800-63B-4 §3.2.2
 */
export const login: Endpoint = {
  method: 'POST',
  path: '/api/login',
  summary: 'Signs in with a user name and a password, for first-party clients.',
  credentials: ['public_client'],
  wording: 'problem',
  cors: 'first_party',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const asked = await readFields(call, login.bodyMax, LOGIN);
    if (!asked.ok) return asked;
    const wait = await server.ephemeral.take(`login:${addressKey(call.address)}`, ATTEMPTS);
    if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
    const client = await firstPartyClient(asked.value.client_id, server);
    if (!client.ok) return client;
    const origin = checkOrigin(call, client.value, asked.value.delivery, server);
    if (!origin.ok) return origin;
    const resource = resourceOf(asked.value.resource);
    if (!resource.ok) return resource;
    const proof = await proveGuess({ ...asked.value, client: client.value.id, call }, server);
    if (!proof.ok) return refused(proof.error, server);
    return logIn(asked.value, client.value, proof.value, resource.value, call, server);
  },
};

/**
 * The client that is named, or the only first-party client there is.
 *
 * @returns `client_unknown`, `client_ambiguous`
 */
async function firstPartyClient(id: string | undefined, server: Server): Promise<Result<Client, Refusal>> {
  if (id === undefined) {
    const [only, ...others] = await server.store.read.firstPartyClients();
    if (only === undefined) return fail({ error: 'client_unknown' });
    return others.length === 0 ? ok(only) : fail({ error: 'client_ambiguous' });
  }
  const clientId = parseId('cli', id);
  const client = clientId === undefined ? undefined : await server.store.read.client(clientId);
  return client === undefined ? fail({ error: 'client_unknown' }) : ok(client);
}

/**
 * From where a login may come. Cookies go to pages of the server's own origin only; tokens in the body also to the
 * client's registered origins, and to whatever is no browser and sends no origin.
 *
 * @returns `delivery_not_allowed`, `origin_not_allowed`
 */
function checkOrigin(call: Call, client: Client, delivery: Delivery, server: Server): Result<undefined, Refusal> {
  const about = { client: client.id };
  const origin = call.request.headers.get('origin');
  const isOwn = isSameOrigin(call, server);
  // no form of another page can send a header of its own
  const hasHeader = call.request.headers.has(CSRF_HEADER);
  if (delivery === 'cookie') return isOwn && hasHeader ? ok(undefined) : fail({ error: 'delivery_not_allowed', about });
  const isAllowed = origin === null || isOwn || client.origins.includes(origin);
  return isAllowed ? ok(undefined) : fail({ error: 'origin_not_allowed', about });
}

async function logIn(
  asked: Login,
  client: Client,
  proof: PasswordProof,
  resource: ResourceIdentifier | undefined,
  call: Call,
  server: Server,
): Promise<Answer> {
  const command = await commandOf(asked, client, proof, resource, call, server);
  const about = { client: client.id, ...(proof.accountId === undefined ? {} : { account: proof.accountId }) };
  const proved = await proveHookClaims(
    {
      grantType: 'login',
      load: (read, at) => loadLogIn(read, command, at),
      decide: (facts, at) => decideLogIn(facts, command, at),
      metadata: ({ start }) => start?.metadata,
    },
    server,
  );
  if (!proved.ok) return refused({ ...proved.error, about }, server);
  const { hookClaims, hold } = proved.value;
  const { outcome, moment, detail } = await server.commit(
    (read, at) => loadLogIn(read, command, at),
    (facts, at) => hold(decideLogIn(facts, { ...command, hookClaims }, at)),
  );
  if (!outcome.ok)
    return refused(await withWait({ error: outcome.error, ...detailOf(detail), about }, proof, server), server);
  const issued = await mintTokens(outcome.value, moment, server);
  if (!issued.ok) return refused(issued.error, server);
  const minted = issued.value;
  server.metrics.count('latchkey_logins_total', { outcome: 'succeeded' });
  if (asked.delivery === 'body') return ok(json(tokenResponse(minted)));
  const { familyId } = command;
  const body = { csrf_token: csrfToken(server.csrfKey, familyId), expires_in: minted.expiresIn, scope: minted.scope };
  const known = proof.result === 'match' ? [deviceCookie(call, proof, server)] : [];
  return ok(withCookies(json(body), [...loginCookies(minted, familyId, server.csrfKey), ...known]));
}

function refused(refusal: Refusal, server: Server): Answer {
  server.metrics.count('latchkey_logins_total', { outcome: 'refused' });
  return fail(refusal);
}

async function commandOf(
  asked: Login,
  client: Client,
  proof: PasswordProof,
  resource: ResourceIdentifier | undefined,
  call: Call,
  server: Server,
): Promise<LogInCommand> {
  const { settings, entropy, now, seal } = server;
  const isCookie = asked.delivery === 'cookie';
  const familyId = makeId('fam', now(), entropy(10));
  const { catalogue } = await server.store.read.moment();
  return {
    clientId: client.id,
    proof,
    sessionId: makeId('ses', now(), entropy(10)),
    familyId,
    seed: seal.seal(seedPlace(familyId), entropy(SEED_BYTES)),
    macKeyId: (await server.keys.at(catalogue)).macKey.id,
    delivery: asked.delivery,
    scope: asked.scope,
    resource,
    issuer: settings.issuer as ResourceIdentifier,
    adminApi: adminApiOf(settings.issuer),
    idleSeconds: isCookie ? settings.cookieIdleSeconds : settings.bodyIdleSeconds,
    absoluteSeconds: isCookie ? settings.cookieAbsoluteSeconds : settings.bodyAbsoluteSeconds,
    address: call.address,
    userAgent: call.request.headers.get('user-agent')?.slice(0, LIMITS.userAgentMax),
    amr: ['pwd'],
    acrLevels: settings.acrLevels,
    hookClaims: undefined,
  };
}
