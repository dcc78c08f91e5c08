import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { addApiKey } from '@latchkey/testkit/api-keys';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ApiWorld, startApi } from './api.ts';
import { type Asked, ask, FRAMEWORKS, type Running } from './frameworks.ts';
import { GATEWAYS, type Gateway } from './gateways.ts';
import { type Credentials, credentialsOf, KINDS, type Kind, STATES, type State } from './given-credentials.ts';
import {
  type Answered,
  bearer,
  expired,
  type Given,
  invalid,
  lacksPermission,
  lacksRole,
  lacksScope,
  malformed,
  missing,
  plain,
  REFUSED,
  refusal,
  tooWeak,
} from './same-answers.ts';

let world: ApiWorld;
let credentials: Credentials;
const running: Record<string, Running> = {};
const gateways: Record<string, Gateway> = {};

beforeAll(async () => {
  world = await startApi({ name: 'table', apiKeys: { header: 'x-api-key' } });
  credentials = await credentialsOf(world);
  const isTold = () => expect(world.verifier.verifyNow(credentials.JWT.ended)?.ok).toBe(false);
  await vi.waitFor(isTold, { timeout: 15_000, interval: 5 });
  for (const [name, start] of Object.entries(FRAMEWORKS)) running[name] = await start(world.verifier);
  for (const [name, start] of Object.entries(GATEWAYS)) gateways[name] = await start(world);
}, 60_000);
afterAll(async () => {
  for (const one of [...Object.values(running), ...Object.values(gateways)]) await one.close();
  await world.close();
});

type Expected = 'granted' | ((given: Given) => Answered);
/** A request: its name, what is asked with which credentials, and the answer. */
type Row = readonly [string, (of: Credentials) => Asked, Expected];

const article = (kind: Kind) => (kind === 'JWT' ? 'a' : 'an');
/** Where a kind of credential may stand. */
const PLACES = [
  ...KINDS.map((kind) => [kind, `${article(kind)} ${kind}`, bearer] as const),
  ['API key', 'an API key in its header', (text: string) => ['x-api-key', text]] as const,
];
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'];
const answerTo = (kind: Kind, state: State): Expected => {
  if (state === 'good') return 'granted';
  return state === 'expired' && kind === 'JWT' ? expired : invalid;
};

/** Every kind in every state, by every method. */
const STATES_AND_METHODS = PLACES.flatMap(([kind, name, place]) =>
  STATES.flatMap((state) =>
    METHODS.map((method): Row => {
      const asked = (of: Credentials) => ({ path: '/things', method, headers: place(of[kind][state]) });
      return [`${name}, ${state}, by ${method}`, asked, answerTo(kind, state)];
    }),
  ),
);

/** What a route asks for, of those who are good and of those who are not: who is nobody learns nothing of it. */
const NEEDS = {
  '/public': 'granted',
  '/secret': lacksScope,
  '/office': lacksRole,
  '/orders': lacksPermission,
} as const;
const REQUIREMENTS = PLACES.flatMap(([kind, name, place]) =>
  Object.entries({ ...NEEDS, '/recent': tooWeak }).flatMap(([path, lacks]) =>
    (['good', 'ended', 'made up'] as const).map((state): Row => {
      const asked = (of: Credentials) => ({ path, headers: place(of[kind][state]) });
      return [`${name}, ${state}, at ${path}`, asked, state === 'good' ? lacks : answerTo(kind, state)];
    }),
  ),
);

/** How a good credential may be written, and how not; and who claims to be somebody else. */
const SPELLINGS: readonly (readonly [string, (text: string) => readonly string[], Expected])[] = [
  ...['bearer', 'BEARER', 'BeArEr', 'Bearer ', 'Bearer   '].map(
    (scheme) => [`the scheme as "${scheme}"`, (text: string) => bearer(text, scheme), 'granted'] as const,
  ),
  ...['DPoP', 'Token', 'Basic', 'ApiKey', 'bearer%20', 'Bearers', 'x-api-key'].map(
    (scheme) => [`the scheme ${scheme}`, (text: string) => bearer(text, scheme), missing] as const,
  ),
  ['without a scheme', (text) => ['authorization', text], missing],
  ['in quotes', (text) => bearer(`"${text}"`), malformed],
  ['with another behind it', (text) => bearer(`${text} ${text}`), malformed],
  ['with a comma and another', (text) => bearer(`${text}, Bearer ${text}`), malformed],
  ['twice', (text) => [...bearer(text), ...bearer(text)], malformed],
  ['in a header of its own name', (text) => ['x-access-token', text], missing],
  ['in a cookie', (text) => ['cookie', `__Host-latchkey-access=${text}`], missing],
  [
    'in the headers of proxies',
    (text) => ['x-forwarded-access-token', text, 'x-auth-request-access-token', text],
    missing,
  ],
  [
    'and headers that only a gateway may set',
    (text) => [
      ...bearer(text),
      'x-latchkey-subject',
      'acc_1',
      'x-latchkey-roles',
      'clerk',
      'x-latchkey-assertion',
      'x',
    ],
    'granted',
  ],
  [
    'and a name that is no proxy’s',
    (text) => [...bearer(text), 'forwarded', 'for=10.0.0.1', 'x-real-ip', '::1'],
    'granted',
  ],
];
const HEADERS = KINDS.flatMap((kind) =>
  SPELLINGS.map(([name, headers, expected]): Row => {
    const asked = ({ [kind]: { good } }: Credentials) => ({ path: '/things', headers: headers(good) });
    return [`${article(kind)} ${kind}, ${name}`, asked, expected];
  }),
);

/** What nobody is asked for by the query, by whatever reader of it. */
const QUERIES = [
  'page=2&sort=name',
  'scope=admin',
  'role=clerk&permission=orders:write',
  'preflight=pass&cookie=read&headers=identity',
  'access_token=x',
  'next=/../../healthz',
  'next=%2e%2e%2f%2e%2e%2fhealthz',
  'path=..;/;scope=admin',
  'a=%00&b=%0d%0aX-Admin:%201',
  'q=//evil.example/?/verify/res_1',
  'q=%E4%BD%A0&r=%C0%AF',
  `q=${'a'.repeat(2_000)}`,
];
const URIS = QUERIES.flatMap((query) =>
  ([...KINDS, undefined] as const).map((kind): Row => {
    const headersOf = (of: Credentials) => (kind === undefined ? [] : bearer(of[kind].good));
    const name = `${kind === undefined ? 'nobody' : `${article(kind)} ${kind}`}, and the query ${query.slice(0, 60)}`;
    const asked = (of: Credentials) => ({ path: `/things?${query}`, headers: headersOf(of) });
    return [name, asked, kind === undefined ? missing : 'granted'];
  }),
);

const ROWS: readonly Row[] = [
  ...REFUSED.map(([name, asked, expected]): Row => [name, (of) => asked(givenOf(of)), expected]),
  ...STATES_AND_METHODS,
  ...REQUIREMENTS,
  ...HEADERS,
  ...URIS,
];

const givenOf = ({ JWT }: Credentials): Given => ({
  audience: world.api.row.audience,
  subject: world.accountId,
  token: JWT.good,
  expired: JWT.expired,
  forged: JWT.forged,
});

/** What an app answers to whoever it lets in, as far as it is not the framework's own. */
const letIn = ({ status, body }: Answered) => ({ status, body });
/** What a proxy is told: the headers that matter to its client. */
const TOLD = ['content-type', 'www-authenticate', 'retry-after', 'ratelimit-policy'];
const essence = ({ status, headers, body }: Answered) => ({
  status,
  headers: Object.fromEntries(TOLD.map((name) => [name, headers[name]])),
  body,
});

/** Asks all six the same, and compares what they answer. */
async function expectAlike(asked: Asked, expected: Expected): Promise<void> {
  const isHead = asked.method === 'HEAD';
  const body = isHead ? '' : JSON.stringify({ subject: world.accountId });
  const refused = expected === 'granted' ? undefined : expected(givenOf(credentials));
  const wanted = refused === undefined || !isHead ? refused : { ...refused, body: '' };
  for (const [name, { port }] of Object.entries(running)) {
    const got = plain(await ask(port, asked));
    if (wanted === undefined) expect({ name, ...letIn(got) }).toEqual({ name, status: 200, body });
    else expect({ name, ...got }).toEqual({ name, ...wanted });
  }
  for (const [name, gateway] of Object.entries(gateways)) {
    const got = plain(await gateway.ask(asked));
    const isAsserted = 'x-latchkey-assertion' in got.headers;
    if (wanted === undefined)
      expect({ name, ...letIn(got), isAsserted }).toEqual({ name, status: 200, body: '', isAsserted: true });
    else expect({ name, ...essence(got), isAsserted }).toEqual({ name, ...essence(wanted), isAsserted: false });
  }
}

test('RSV-16: the table asks more than two hundred different things', () => {
  expect(new Set(ROWS.map(([name]) => name)).size).toBe(ROWS.length);
  expect(ROWS.length).toBeGreaterThanOrEqual(200);
});

describe('RSV-16: four frameworks, the sidecar and the server’s /verify answer alike', () => {
  test.each(ROWS)('%s', async (_, asked, expected) => {
    await expectAlike(asked(credentials), expected);
  });
});

describe('RSV-16: what only API keys have is alike, too', () => {
  const addKey = async (more: Partial<ApiKey>) =>
    (
      await addApiKey(world.at, {
        owner: world.accountId,
        resource: world.api.row.identifier,
        scope: ['read'],
        ...more,
      })
    ).text;
  const things = (...headers: readonly string[]): Asked => ({ path: '/things', headers });

  test('a key for tests', async () => {
    await expectAlike(things(...bearer(await addKey({ environment: 'test' }))), invalid);
  });
  test.each([
    ['127.0.0.0/8', [], 'granted'],
    ['192.0.2.0/24', [], invalid],
    ['192.0.2.0/24', ['x-forwarded-for', '192.0.2.9'], invalid],
    ['192.0.2.0/24', ['forwarded', 'for=192.0.2.9', 'x-real-ip', '192.0.2.9'], invalid],
  ] as const)('a key of the network %s, and the headers %j', async (network, headers, expected) => {
    await expectAlike(things(...bearer(await addKey({ networks: [network] })), ...headers), expected);
  });
  test('a key in its header and another credential beside it', async () => {
    const { good } = credentials['API key'];
    await expectAlike(things('x-api-key', good, ...bearer(good)), malformed);
    await expectAlike(things('x-api-key', good, ...bearer(credentials.JWT.good)), malformed);
    await expectAlike(things('x-api-key', good, 'x-api-key', good), malformed);
    await expectAlike(things('x-api-key', credentials.JWT.good), invalid);
    await expectAlike(things('x-api-key', ''), invalid);
  });
  test('a key without uses: whoever asks for too much with it is told that first', async () => {
    const text = await addKey({ quota: { uses: 0, period: 'day' } });
    const description = 'The API key has no uses left in this period.';
    const none = refusal(429, undefined, { error: 'temporarily_unavailable', error_description: description });
    const limits = {
      'retry-after': expect.stringMatching(/^\d+$/),
      'ratelimit-policy': '"quota";q=0',
      ratelimit: expect.stringMatching(/^"quota";r=0;t=\d+$/),
    };
    await expectAlike(things(...bearer(text)), (given) => {
      const { status, headers, body } = none(given);
      return { status, body, headers: { ...headers, ...limits } };
    });
    const tooMuch = { path: '/secret', headers: bearer(text) };
    const asked = Object.values(running).map(({ port }) => ask(port, tooMuch));
    const got = await Promise.all([...asked, ...Object.values(gateways).map((one) => one.ask(tooMuch))]);
    expect(got.map(({ status }) => status)).toEqual(got.map(() => 403));
  });
});

describe('RSV-16: the sidecar and the server refuse alike what a proxy and an API may read differently', () => {
  const DETOURS = [
    '/..',
    '/../things',
    '/a/../things',
    '/./things',
    '/things/.',
    '/%2e%2e/things',
    '/%2E%2e/things',
    '/a/..;/things',
    '/a/..;x=y/things',
    '/.;/things',
    '/%2fthings',
    '/a%2Fthings',
    '/a%5cthings',
    '/a\\things',
    '/%252e%252e/things',
    '/%25252fthings',
    '/things%00',
    '/things%0a',
    '/%c0%ae%c0%ae/things',
    '/things%',
    '/things%2',
    '/things%zz',
  ];
  const MALFORMED = ['', 'things', '//things', 'http://api.example/things', '/things#x', '*'];
  test.each([...DETOURS, ...MALFORMED])('%s', async (path) => {
    const seen: object[] = [];
    for (const gateway of Object.values(gateways)) {
      const { status, body } = plain(await gateway.ask({ path, headers: bearer(credentials.JWT.good) }));
      seen.push({ status, body });
    }
    expect(seen).toEqual(Array.from({ length: 2 }, () => ({ ...seen[0], status: 400 })));
  });
});
