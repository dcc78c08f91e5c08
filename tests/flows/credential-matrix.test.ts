import { ROUTES } from '@latchkey/server/routes';
import type { Endpoint } from '@latchkey/server/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Credentials, isRefused, KINDS_OF_CREDENTIALS, startCredentials } from './credentials.ts';

/** Every kind of credential, tried at every route: those that a route names get in, all others do not. */
let all: Credentials;
beforeAll(async () => {
  all = await startCredentials();
});
afterAll(() => all.world.at.close());

const cases = ROUTES.flatMap((route) =>
  KINDS_OF_CREDENTIALS.map((kind) => [`${route.method} ${route.path}`, kind, route] as const),
);
const needsNone = ({ credentials }: Endpoint) => credentials.includes('none');

test.each(cases.filter(([, kind, route]) => !needsNone(route) && !route.credentials.includes(kind)))(
  'attack 8.10, 8.33: %s refuses %s',
  async (_, kind, route) => {
    const answer = await all.present(route, await all.make(kind));
    expect([kind, answer, isRefused(route, answer)]).toEqual([kind, answer, true]);
  },
);

test.each(cases.filter(([, kind, route]) => route.credentials.includes(kind)))(
  '%s takes %s',
  async (_, kind, route) => {
    const answer = await all.present(route, await all.make(kind));
    expect([401, 403, 500]).not.toContain(answer.status);
    expect(answer.location ?? '').not.toContain('/signin');
  },
);

test('every kind of credential gets in somewhere, and every route says which it takes', () => {
  expect(new Set(ROUTES.flatMap(({ credentials }) => credentials))).toEqual(new Set(KINDS_OF_CREDENTIALS));
  for (const { credentials } of ROUTES) expect(credentials.length).toBeGreaterThan(0);
});

test('a route takes nothing or something, never both', () => {
  for (const route of ROUTES) if (needsNone(route)) expect(route.credentials).toEqual(['none']);
});
