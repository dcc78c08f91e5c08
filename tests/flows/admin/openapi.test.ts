import { ADMIN_SCOPES } from '@latchkey/domain/administration/scopes';
import { ADMIN_ENDPOINTS } from '@latchkey/server/endpoints/admin/routes';
import { ROUTES } from '@latchkey/server/routes';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator } from './administrator.ts';

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Json[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<Record<string, Json>>;
}

let at: TestServer;
let document: {
  readonly openapi: string;
  readonly servers: readonly Json[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
beforeAll(async () => {
  at = await startTestServer();
  document = await (await at.fetch('/admin/api/openapi.json')).json();
});
afterAll(() => at.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

test('OpenAPI 3.1 describes every route of the admin API, and no other', () => {
  expect([document.openapi, document.servers]).toEqual(['3.1.1', [{ url: `${at.issuer}/admin/api` }]]);
  const described = operations().map(
    ({ path, method }) => `${method.toUpperCase()} /admin/api${path.replace(/\{(\w+)\}/g, ':$1')}`,
  );
  const served = ROUTES.filter(({ path }) => path.startsWith('/admin/api/') && !path.endsWith('/openapi.json')).map(
    ({ method, path }) => `${method} ${path}`,
  );
  expect(described.sort()).toEqual(served.sort());
});

test('OpenAPI 3.1 §4.8.8: each path parameter is declared, and each operation has an id of its own', () => {
  for (const { path, operation } of operations()) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name, required }) => [name, required])).toEqual(inPath.map((name) => [name, true]));
    expect(Object.keys(operation.responses)).toHaveLength(2);
  }
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every reference in the document leads somewhere', () => {
  const text = JSON.stringify(document);
  for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = pointer.split('/').reduce<unknown>((value, part) => (value as Json | undefined)?.[part], document);
    expect(found, pointer).toBeDefined();
  }
});

test('each route asks for one scope, and every scope is asked for by some route', () => {
  for (const { operation } of operations()) expect(Object.values(operation.security[0] ?? {})[0]).toHaveLength(1);
  expect(new Set(ADMIN_ENDPOINTS.map(({ scope }) => scope))).toEqual(new Set(ADMIN_SCOPES));
});

test.each(ADMIN_ENDPOINTS.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s asks for the scope that it names: all others together are not enough',
  async (_, { method, path, scope }) => {
    const weak = await addAdministrator(
      at,
      ADMIN_SCOPES.filter((name) => name !== scope),
    );
    const answer = await at.fetch(path.replace(/:\w+/g, 'x'), {
      method,
      headers: { authorization: `Bearer ${weak.token}`, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining(`scope="${scope}"`),
    ]);
  },
);

test('a body that the description allows is what the route takes', () => {
  const create = document.paths['/resources']?.post?.requestBody?.content['application/json']?.schema;
  expect(create).toMatchObject({
    type: 'object',
    required: ['identifier', 'name'],
    additionalProperties: false,
    properties: { algorithm: { enum: ['ES256', 'RS256', 'PS256', 'Ed25519', 'HS256'], default: 'ES256' } },
  });
});
