import { ROUTES } from '@latchkey/server/routes';
import type { Endpoint } from '@latchkey/server/server';
import { createPageBrowser, goThrough } from '@latchkey/testkit/code-flow';
import { PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { addClient, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator, type TestAdministrator } from '../admin/administrator.ts';
import { refusalOf, refusedAs, rowsOf } from '../refusal.ts';

let world: World;
let admin: TestAdministrator;
let client: Awaited<ReturnType<typeof addClient>>;
let tokens: Readonly<Record<string, string>>;
let sessionCookie: string;
beforeAll(async () => {
  world = await populate(await startTestServer());
  admin = await addAdministrator(world.at);
  client = await addClient(world.at.server, { resources: [world.api.row.identifier] });
  tokens = (await world.login({ resource: world.at.issuer })).body;
  const browser = createPageBrowser(world.at);
  await goThrough(browser, await browser.get('/account'));
  sessionCookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ');
});
afterAll(() => world.at.close());

const pathOf = ({ path }: Endpoint): string => path.replace(/:\w+/g, 'x');

/** All that a request by GET could bring along to be believed: everything but a method that may change something. */
const credentials = ({ path }: Endpoint): Readonly<Record<string, string>> => {
  if (path.startsWith('/account')) return { cookie: sessionCookie };
  if (path.startsWith('/admin/')) return { authorization: `Bearer ${admin.token}` };
  if (path.startsWith('/api/')) return { authorization: `Bearer ${tokens.access_token}` };
  return { authorization: path === '/reports' ? world.api.basic : client.basic };
};
const QUERY = new URLSearchParams({
  grant_type: 'client_credentials',
  username: 'alice',
  password: PASSWORD,
  _method: 'POST',
}).toString();

const methodsAt = (path: string) => ROUTES.filter((route) => route.path === path).map(({ method }) => method);
const changing = ROUTES.filter(({ method }) => method !== 'GET').map(
  (route) => [`${route.method} ${route.path}`, route] as const,
);

test.each(changing)('CSRF-05 ASVS 3.5.3: what %s does cannot be had by GET or HEAD', async (_, route) => {
  const before = rowsOf(world.at);
  const others = methodsAt(route.path);
  for (const method of ['GET', 'HEAD']) {
    const headers = { ...credentials(route), 'x-http-method-override': route.method, 'x-http-method': route.method };
    const answer = await world.at.fetch(`${pathOf(route)}?${QUERY}`, { method, headers });
    if (others.includes('GET')) await answer.body?.cancel();
    else if (method === 'HEAD') expect(answer.status).toBe(405);
    else {
      expect(answer.headers.get('allow')).toBe(others.join(', '));
      expect(await refusalOf(world.at, answer)).toEqual(refusedAs('method_not_allowed'));
    }
  }
  expect(rowsOf(world.at)).toEqual(before);
});

test.each(ROUTES.filter(({ method }) => method === 'GET').map((route) => [route.path, route] as const))(
  'CSRF-05 ASVS 3.5.3: GET %s changes nothing, and HEAD answers the same without a body',
  async (_, route) => {
    const before = rowsOf(world.at);
    const headers = credentials(route);
    const [get, head] = [
      await world.at.fetch(pathOf(route), { headers }),
      await world.at.fetch(pathOf(route), { method: 'HEAD', headers }),
    ];
    await get.body?.cancel();
    expect([head.status, await head.text()]).toEqual([get.status, '']);
    expect(rowsOf(world.at)).toEqual(before);
  },
);

test.each(['TRACE', 'CONNECT', 'PROPFIND', 'post'])(
  'a method that nobody knows, %s, reaches no endpoint',
  async (method) => {
    // Fetch itself refuses some of them, so the request is made by hand
    const request = new Proxy(new Request(`${world.at.issuer}/oauth/token`, { method: 'POST' }), {
      get: (target, name) => (name === 'method' ? method : Reflect.get(target, name, target)),
    });
    const answer = await world.at.running.app.handle(request, { remote: '127.0.0.1' });
    expect(await refusalOf(world.at, answer)).toEqual(refusedAs('method_not_allowed'));
  },
);

test('what is nowhere is nowhere by every method', async () => {
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'])
    for (const path of ['/nowhere', '/oauth/token/', '/OAUTH/token', '/oauth//token', '/admin/api', '/oauth/token/x'])
      expect(await refusalOf(world.at, await world.at.fetch(path, { method }))).toEqual(refusedAs('path_unknown'));
});
