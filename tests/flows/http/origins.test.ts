import { ROUTES } from '@latchkey/server/routes';
import { populate, type World } from '@latchkey/testkit/people';
import { addClient, startTestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addAdministrator } from '../admin/administrator.ts';

let world: World;
beforeAll(async () => {
  world = await populate(await startTestServer());
  await addClient(world.at.server, { origins: ['https://third-party.example'] });
});
afterAll(() => world.at.close());

const ALLOW = 'access-control-allow-origin';
/** What a browser would look at in an answer. */
const corsOf = ({ headers }: Response) => ({
  origin: headers.get(ALLOW),
  credentials: headers.get('access-control-allow-credentials'),
  vary: headers.get('vary'),
});
const pathOf = (path: string) => path.replace(/:\w+/g, 'x');

/** A request to a route as a page would make it, and the preflight that comes before it. */
async function fromPage(method: string, path: string, origin: string) {
  const init = { method, headers: { origin, 'content-type': 'application/json' } };
  const answer = await world.at.fetch(pathOf(path), method === 'POST' ? { ...init, body: '{}' } : init);
  await answer.body?.cancel();
  const headers = { origin, 'access-control-request-method': method };
  const preflight = await world.at.fetch(pathOf(path), { method: 'OPTIONS', headers });
  return { answer, preflight };
}
const routes = (cors: string) =>
  ROUTES.filter((route) => route.cors === cors).map(({ method, path }) => [method, path] as const);

test('CORS-02 to CORS-04: every route says who may read it, and no more than these are open', () => {
  expect(routes('any').map(([, path]) => path)).toEqual([
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/jwks.json',
    '/status-lists',
    '/status-lists/:number',
    '/admin/api/openapi.json',
  ]);
  expect(new Set(routes('registered').map(([, path]) => path))).toEqual(
    new Set(['/oauth/token', '/oauth/revoke', '/oauth/userinfo']),
  );
  expect(new Set(routes('first_party').map(([, path]) => path))).toEqual(
    new Set([
      '/api/login',
      '/api/refresh',
      '/api/logout',
      '/api/me',
      '/api/sessions',
      '/api/sessions/:id',
      '/api/password',
      '/api/consents',
      '/api/consents/:id',
    ]),
  );
});

test.each([...routes('registered'), ...routes('first_party')])(
  'CORS-02 ASVS 3.4.2, RFC 10017: %s %s answers pages of registered origins, never with credentials',
  async (method, path) => {
    const { answer, preflight } = await fromPage(method, path, world.origin);
    const allowed = { origin: world.origin, credentials: null, vary: 'Origin' };
    expect([corsOf(answer), preflight.status, corsOf(preflight)]).toEqual([allowed, 204, allowed]);
    expect(preflight.headers.get('access-control-allow-methods')).toContain(method);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization, content-type, x-latchkey-csrf');
  },
);

/** Ways to look like `https://app.example`, and origins that belong to nobody here. */
const STRANGERS = [
  'https://evil.example',
  'null',
  'https://app.example.evil.example',
  'https://evil-app.example',
  'https://evil.example/https://app.example',
  'http://app.example',
  'https://app.example:444',
  'https://app.example:443',
  'https://app.example/',
  'https://APP.example',
  'https://app.example.',
  'https://sub.app.example',
  'https://user@app.example',
  'https://app.example https://evil.example',
  'https://app.example, https://evil.example',
  '*',
  '',
];

test.each(STRANGERS)('CORS-05 ASVS 3.4.2: a page of %j may read nothing', async (origin) => {
  for (const [method, path] of [...routes('registered'), ...routes('first_party')]) {
    const { answer, preflight } = await fromPage(method, path, origin);
    const refused = { origin: null, credentials: null, vary: 'Origin' };
    expect([path, corsOf(answer), corsOf(preflight)]).toEqual([path, refused, refused]);
    expect(preflight.headers.get('access-control-allow-methods')).toBeNull();
  }
});

test('CORS-02: pages of a client that is not first-party reach the OAuth endpoints, and nothing of the first-party API', async () => {
  const seen = async (cors: string) =>
    new Set(
      await Promise.all(
        routes(cors).map(
          async ([method, path]) => corsOf((await fromPage(method, path, 'https://third-party.example')).answer).origin,
        ),
      ),
    );
  expect([await seen('registered'), await seen('first_party')]).toEqual([
    new Set(['https://third-party.example']),
    new Set([null]),
  ]);
});

test.each(routes('any'))(
  'CORS-03 RFC 8414 §3: %s %s may be read by every page, without credentials',
  async (method, path) => {
    const { answer, preflight } = await fromPage(method, path, 'https://anybody.example');
    for (const one of [answer, preflight]) expect(corsOf(one)).toEqual({ origin: '*', credentials: null, vary: null });
  },
);

test.each(routes('none'))(
  'CORS-04 RFC 7662 §4: %s %s is for no page, of a registered origin neither',
  async (method, path) => {
    const { answer, preflight } = await fromPage(method, path, world.origin);
    // a preflight at /verify is one that a proxy asks about, and is refused to whoever is no proxy
    const refused = path.startsWith('/verify/') ? 403 : 405;
    expect([corsOf(answer).origin, corsOf(preflight).origin, preflight.status]).toEqual([null, null, refused]);
  },
);

test('CORS-05: a deleted client takes its origins along, at once', async () => {
  const origin = 'https://gone.example';
  const gone = await addClient(world.at.server, { authentication: 'none', firstParty: true, origins: [origin] });
  const allowed = async () => corsOf((await fromPage('GET', '/api/me', origin)).answer).origin;
  expect(await allowed()).toBe(origin);
  const admin = await addAdministrator(world.at);
  expect((await admin.delete(`/clients/${gone.row.id}`)).status).toBe(204);
  expect(await allowed()).toBeNull();
});
