import {
  connect,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect as connectTcp } from 'node:net';
import { ERRORS } from '@latchkey/protocol/errors';
import { protect } from '@latchkey/verifier/fastify';
import { requestLikeOf } from '@latchkey/verifier/node';
import fc from 'fast-check';
import fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiWorld, encoded, partsOf, startApi } from './api.ts';
import { FRAMEWORKS } from './frameworks.ts';

let world: ApiWorld;
let token: string;
beforeAll(async () => {
  world = await startApi({ cookie: true });
  token = String((await world.login()).body.access_token);
});
afterAll(() => world.close());

/** An answer is an access, or a refusal that the catalogue knows, ready to be sent. */
function expectTyped(result: Awaited<ReturnType<ApiWorld['verifier']['authenticate']>>): void {
  if (result.ok) {
    expect(result.value.claims.sub).toBe(world.accountId);
    return;
  }
  const { error, status, headers, body, errorId } = result.error;
  const row = ERRORS[error];
  expect([status, body.error, body.error_id]).toEqual([row.status, row.code, errorId]);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7E]*$/);
}
const authenticate = (headers: Readonly<Record<string, string>>, method = 'GET') =>
  world.verifier.authenticate({ method, header: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined) });

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('.', 'A', '_', '=', ' ', ',', '"', '\r', '\n', '\0', 'ü'), maxLength: 60 }),
  fc.base64String({ maxLength: 300 }),
);
/** A good token with something wrong in it. */
const anyMutation = fc.oneof(
  fc.tuple(fc.nat(), anyText).map(([at, text]) => {
    const cut = at % token.length;
    return token.slice(0, cut) + text + token.slice(cut + text.length);
  }),
  fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => token.slice(from % token.length, to % token.length)),
  fc.tuple(fc.jsonValue(), fc.jsonValue()).map(([header, claims]) => {
    return `${encoded(header)}.${encoded(claims)}.${partsOf(token).signature}`;
  }),
  fc
    .dictionary(fc.constantFrom('alg', 'kid', 'typ', 'crit', 'jwk', 'jku', 'b64', '__proto__'), fc.jsonValue())
    .map((change) => {
      const { header, payload, signature } = partsOf(token);
      return `${encoded({ ...header, ...change })}.${payload}.${signature}`;
    }),
);

test('JWT-26: whatever the token, the answer is a value, and only the good one is accepted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        anyText,
        fc.constant(undefined).chain(() => anyMutation),
      ),
      async (text) => {
        const [now, later] = [world.verifier.verifyNow(text), await world.verifier.verify(text)];
        expect(later.ok).toBe(text === token);
        if (!later.ok) expect(ERRORS[later.error].status).toBe(401);
        if (now !== undefined) expect(now).toEqual(later);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('ERR-11, RSV-06: whatever the Authorization header, the answer is an access or a refusal with a challenge', async () => {
  const scheme = fc.constantFrom('Bearer', 'bearer', 'BEARER ', 'Basic', 'DPoP', '', 'Bearer\t', 'Bearer,');
  const header = fc.oneof(
    anyText,
    fc
      .tuple(scheme, fc.constantFrom(' ', '  ', '', '\t', ', '), fc.oneof(anyText, fc.constant(token)))
      .map((parts) => parts.join('')),
    fc.tuple(anyText, anyText).map(([one, two]) => `Bearer ${one}, Bearer ${two}`),
  );
  await fc.assert(
    fc.asyncProperty(header, async (authorization) => {
      const result = await authenticate({ authorization });
      expectTyped(result);
      if (!result.ok)
        expect(result.error.headers['www-authenticate']).toMatch(/^Bearer realm="[^"\\]*"(, [a-z_]+="[^"\\]*")+$/);
    }),
    { numRuns: 2_000 },
  );
});

test('whatever the cookies and what guards them, the answer is typed, and a change without its proof is refused', async () => {
  const cookie = fc.array(
    fc.oneof(
      anyText,
      anyText.map((text) => `__Host-latchkey-access=${text}`),
      anyText.map((text) => `__Host-latchkey-csrf=${text}`),
      fc.constant(undefined).map(() => `__Host-latchkey-access=${token}`),
    ),
    { maxLength: 4 },
  );
  const headers = fc.record(
    { 'sec-fetch-site': anyText, origin: anyText, host: anyText, 'x-latchkey-csrf': anyText },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(cookie, headers, fc.constantFrom('GET', 'POST', 'get', ''), async (pairs, more, method) => {
      const result = await authenticate({ ...more, cookie: pairs.join('; ') }, method);
      expectTyped(result);
      if (result.ok && method !== 'GET')
        expect(pairs.join('; ')).toContain(`__Host-latchkey-csrf=${more['x-latchkey-csrf']}`);
    }),
    { numRuns: 1_000 },
  );
});

/** Sends bytes, and returns the status lines of what comes back. */
const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connectTcp(port, '127.0.0.1', () => socket.end(text, 'latin1'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('error', () => {}).on('close', () => resolve(answer));
  });

test('GHSA-xmf8-cvqr-rfgj: no Authorization header makes any framework answer with a fault', async () => {
  for (const [name, start] of Object.entries(FRAMEWORKS)) {
    const { port, close } = await start(world.verifier);
    const ask = (lines: string) =>
      raw(port, `GET /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines}\r\n\r\n`);
    for (const lines of [
      'Authorization: Bearer',
      'Authorization: Bearer  x',
      'Authorization: bearer%20x',
      'Authorization:',
      'Authorization: Bearer \xfc\xff',
      'Authorization: Bearer a\tb',
      `Authorization: Bearer ${'A'.repeat(70_000)}`,
      'Authorization: Bearer a\r\nAuthorization: Bearer b',
      `Authorization: ${'Bearer '.repeat(1_000)}`,
      `Authorization: Bearer ${'.'.repeat(15_000)}`,
      'Authorization: Bearer __proto__',
      'Cookie: __Host-latchkey-access=\xfc; __Host-latchkey-access',
      `Cookie: ${'__Host-latchkey-access=x; '.repeat(500)}`,
    ])
      expect([name, lines.slice(0, 60), await ask(lines)]).toEqual([
        name,
        lines.slice(0, 60),
        expect.not.stringMatching(/^HTTP\/1.1 (5|2)/),
      ]);
    expect([name, await ask(`Authorization: Bearer ${token}`)]).toEqual([
      name,
      expect.stringMatching(/^HTTP\/1.1 200/),
    ]);
    await close();
  }
});

test('a request of HTTP/2 is read like any other: its host is its authority', async () => {
  const server = createHttp2Server((request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { method, header } = requestLikeOf(request);
    response.end(JSON.stringify([method, header('authorization'), header('host'), header('cookie'), header('x-none')]));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = connect(`http://127.0.0.1:${port}`);
  const stream = client.request({ ':path': '/', authorization: 'Bearer x', cookie: ['a=1', 'b=2'] });
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  expect(JSON.parse(text)).toEqual(['GET', 'Bearer x', `127.0.0.1:${port}`, 'a=1; b=2', null]);
  client.close();
  server.close();
});

test('so is one that Fastify injects, as its users’ tests do', async () => {
  const app = fastify();
  app.get('/', { preHandler: protect(world.verifier) }, async (request) => ({ sub: request.access.claims.sub }));
  const got = await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } });
  expect([got.statusCode, got.json(), got.headers['cache-control'], got.headers.vary]).toEqual([
    200,
    { sub: world.accountId },
    'private',
    'Authorization, Cookie',
  ]);
  expect((await app.inject({ url: '/' })).statusCode).toBe(401);
  await app.close();
});
