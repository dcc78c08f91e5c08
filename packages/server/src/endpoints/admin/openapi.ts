import { ERRORS } from '@latchkey/protocol/errors';
import { ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { adminApiOf } from '../../bootstrap.ts';
import { json } from '../../http/headers.ts';
import type { Endpoint } from '../../server.ts';
import { ADMIN_API, type AdminEndpoint } from './admin-endpoint.ts';

type Json = Readonly<Record<string, unknown>>;

/** The description of the admin API, made from the routes themselves, so that the two cannot differ. */
export const openApiRoute = (routes: readonly AdminEndpoint[]): Endpoint => ({
  method: 'GET',
  path: `${ADMIN_API}/openapi.json`,
  summary: 'The description of this API in OpenAPI 3.1.',
  credentials: ['none'],
  wording: 'problem',
  cors: 'any',
  bodyMax: 0,
  answer: (_call, server) => Promise.resolve(ok(json(openApi(routes, server.settings.issuer)))),
});

/** @spec OpenAPI 3.1.1 §4.8.1 */
export function openApi(routes: readonly AdminEndpoint[], issuer: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  const scopes = Object.fromEntries(routes.map(({ scope }) => [scope, `Asked for by the routes that name it.`]));
  return {
    openapi: '3.1.1',
    info: {
      title: 'Latchkey admin API',
      version: '1',
      description: `Takes access tokens whose audience is ${adminApiOf(issuer)}.`,
    },
    servers: [{ url: adminApiOf(issuer) }],
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        administrator: {
          type: 'oauth2',
          description: 'Ask for a token with resource set to the admin API.',
          flows: { clientCredentials: { tokenUrl: `${issuer}/oauth/token`, scopes } },
        },
      },
    },
  };
}

const templateOf = (path: string): string => path.slice(ADMIN_API.length).replace(/:(\w+)/g, '{$1}');
const namesIn = (path: string): readonly string[] => [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');

function operationOf(route: AdminEndpoint): Json {
  const { status, schema } = route.success;
  return {
    operationId: operationId(route),
    summary: route.summary,
    security: [{ administrator: [route.scope] }],
    parameters: [...namesIn(route.path).map(inPath), ...inQuery(route.query)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: contentOf(route.body, 'input', 'application/json') } }),
    responses: {
      [status]: {
        description: status === 204 ? 'Done.' : 'Done; what came of it.',
        ...(schema === undefined ? {} : { content: contentOf(schema, 'output', 'application/json') }),
      },
      default: {
        description: 'Refused, with the error and an id by which it can be explained.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** `POST /accounts/:id/disable` is `post_accounts_id_disable`. */
const operationId = ({ method, path }: AdminEndpoint): string =>
  `${method.toLowerCase()}${path.slice(ADMIN_API.length).replace(/[^A-Za-z0-9]+/g, '_')}`;

const inPath = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string' } });

const inQuery = (query: z.ZodObject | undefined): readonly Json[] =>
  Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !z.safeParse(schema, undefined).success,
    schema: schemaOf(schema as z.ZodType, 'input'),
  }));

const contentOf = (schema: z.ZodType, io: 'input' | 'output', type: string): Json => ({
  [type]: { schema: schemaOf(schema, io) },
});

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

/** @spec RFC 9457 §3.1 */
const PROBLEM: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'error', 'error_id'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    error: { type: 'string', enum: [...new Set(Object.values(ERRORS).map(({ code }) => code))] },
    error_id: { type: 'string', description: 'What latchkey token explain takes.' },
  },
};
