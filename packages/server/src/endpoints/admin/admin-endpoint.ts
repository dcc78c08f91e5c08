import {
  administratorOf,
  loadAdministratorRoles,
  onAuthorityOfAdministrator,
} from '@latchkey/domain/administration/authority';
import type { Administrator, AdminScope } from '@latchkey/domain/administration/scopes';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import { z } from 'zod';
import { adminApiOf } from '../../bootstrap.ts';
import { readJson } from '../../http/body.ts';
import { empty, json } from '../../http/headers.ts';
import { lacksScope, proveAccessToken } from '../../prove/access-token.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../server.ts';

/** A route of the admin API, with all that its description in OpenAPI says. */
export interface AdminEndpoint extends Endpoint {
  /** The scope that it asks for. */
  readonly scope: AdminScope;
  readonly query: z.ZodObject | undefined;
  readonly body: z.ZodType | undefined;
  readonly success: Success;
}

/** What an answer without a refusal looks like; 204 has no body. */
export interface Success {
  readonly status: 200 | 201 | 204;
  readonly schema: z.ZodType | undefined;
}

/** What a route is given: everything of the request, checked. */
export interface AdminCall<Q, B> {
  readonly params: Call['params'];
  readonly query: Q;
  readonly body: B;
  readonly administrator: Administrator;
  /** The audience of the admin API. */
  readonly adminApi: string;
  /** The server, as far as this administrator may use it: it changes state on the authority of their access token. */
  readonly server: Server;
}

interface Description<Q extends z.ZodObject, B extends z.ZodType, S extends z.ZodType> {
  readonly method: Endpoint['method'];
  /** Under `/admin/api`. */
  readonly path: string;
  readonly summary: string;
  readonly scope: AdminScope;
  readonly query?: Q;
  readonly body?: B;
  readonly success: { readonly status: 200 | 201; readonly schema: S } | { readonly status: 204 };
  answer(admin: AdminCall<z.infer<Q>, z.infer<B>>): Promise<Result<z.input<S> | undefined, Refusal>>;
}

export const ADMIN_API = '/admin/api';

/**
 * Makes an endpoint of a description: proves the access token and its scope, checks query and body, then lets the route
 * answer. Nothing of the request is looked at before it is known who asks.
 */
export function adminEndpoint<
  Q extends z.ZodObject = z.ZodObject<Record<never, never>>,
  B extends z.ZodType = z.ZodUndefined,
  S extends z.ZodType = z.ZodUndefined,
>(description: Description<Q, B, S>): AdminEndpoint {
  const { method, path, summary, scope, query, body, success } = description;
  const bodyMax = body === undefined ? 0 : LIMITS.adminBodyBytesMax;
  return {
    method,
    path: `${ADMIN_API}${path}`,
    summary,
    credentials: ['access_token_admin'],
    wording: 'bearer',
    cors: 'none',
    bodyMax,
    scope,
    query,
    body,
    success: { status: success.status, schema: success.status === 204 ? undefined : success.schema },
    async answer(call, server): Promise<Answer> {
      const proved = await proveAdministrator(call, scope, server);
      if (!proved.ok) return proved;
      const asked = readQuery(call, query ?? NO_QUERY);
      if (!asked.ok) return asked;
      const sent = body === undefined ? ok(undefined) : await readBody(call, body, bodyMax);
      if (!sent.ok) return sent;

      const { claims, administrator } = proved.value;
      const result = await description.answer({
        params: call.params,
        query: asked.value as z.infer<Q>,
        body: sent.value as z.infer<B>,
        administrator,
        adminApi: adminApiOf(server.settings.issuer),
        server: onBehalfOf(proved.value, server),
      });
      if (!result.ok) return fail({ ...result.error, about: { administrator: claims.sub, ...result.error.about } });
      return ok(success.status === 204 ? empty(204) : json(result.value, success.status));
    },
  };
}

/** An access token for the admin API, and what whoever holds it may do now. */
interface ProvedAdministrator {
  readonly claims: AccessTokenClaims;
  readonly administrator: Administrator;
}

/**
 * @returns `admin_token_refused` for a token of another audience, `admin_role_insufficient`, and what
 *   `proveAccessToken` refuses
 */
async function proveAdministrator(
  call: Call,
  scope: AdminScope,
  server: Server,
): Promise<Result<ProvedAdministrator, Refusal>> {
  const audience = adminApiOf(server.settings.issuer);
  const proved = await proveAccessToken(call, server, { audience, scope: [scope] });
  if (!proved.ok)
    return proved.error.error === 'token_audience_wrong'
      ? fail({ ...proved.error, error: 'admin_token_refused' })
      : proved;
  const claims = proved.value;
  const roles = await loadAdministratorRoles(server.store.read, claims, audience);
  const administrator = administratorOf(claims, roles, audience);
  if (administrator.scope.includes(scope)) return ok({ claims, administrator });
  return fail(lacksScope('admin_role_insufficient', [scope], claims, server));
}

const NO_QUERY = z.strictObject({});

const onBehalfOf = ({ claims, administrator }: ProvedAdministrator, server: Server): Server => ({
  ...server,
  commit(load, decide) {
    const adminApi = adminApiOf(server.settings.issuer);
    const authorised = onAuthorityOfAdministrator(claims, administrator, adminApi, load, decide);
    return server.commit(authorised.load, authorised.decide);
  },
});

/** Each parameter once: of two of a name nobody knows which one is meant. */
function readQuery({ url }: Call, schema: z.ZodType): Result<unknown, Refusal> {
  const names = [...url.searchParams.keys()];
  if (new Set(names).size < names.length) return fail({ error: 'parameter_repeated' });
  return checked(schema, Object.fromEntries(url.searchParams));
}

async function readBody(call: Call, schema: z.ZodType, bodyMax: number): Promise<Result<unknown, Refusal>> {
  const body = await readJson(call.request, bodyMax);
  return body.ok ? checked(schema, body.value) : body;
}

/** @returns `field_invalid`, with the fields named and no value repeated */
function checked(schema: z.ZodType, value: unknown): Result<unknown, Refusal> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return fail({ error: 'field_invalid', detail: parsed.error.issues.slice(0, 10).map(problemOf).join(' ') });
}

/** Messages of the schemas name types and limits, never what was sent; only an unknown field would be repeated. */
function problemOf(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((part) => String(part).replace(/[^A-Za-z0-9_]/g, '')).join('.');
  const field = path === '' ? 'The request' : path;
  if (issue.code === 'unrecognized_keys') return `${field} has a field that is not known.`;
  return `${field}: ${issue.message.replace(/[.]$/, '')}.`;
}
