import { connect } from 'node:net';
import { errorRow } from '@latchkey/protocol/errors';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, beforeAll, expect, test } from 'vitest';

let at: TestServer;
let port: number;
beforeAll(async () => {
  at = await startTestServer();
  await at.listen();
  port = Number(new URL(at.issuer).port);
});
afterAll(() => at.close());

/** Writes bytes to the port, and reads what comes until the other end closes. */
async function send(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => undefined); // a reset is an answer too
  socket.write(text);
  await new Promise((resolve) => socket.on('close', resolve));
  return answer;
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);
const request = (...lines: readonly string[]) => send([...lines, 'Connection: close', '', ''].join('\r\n'));
const HOST = 'Host: localhost';

test('ENV-10 RFC 6585 §5: headers one line too large are answered as the catalogue says', async () => {
  const row = errorRow('headers_too_large');
  const fits = await request('GET /healthz HTTP/1.1', HOST, `X: ${'x'.repeat(15_000)}`);
  expect(statusOf(fits)).toBe(200);
  const refused = await request('GET /healthz HTTP/1.1', HOST, `X: ${'x'.repeat(17_000)}`);
  expect([statusOf(refused), JSON.parse(bodyOf(refused))]).toEqual([
    row.status,
    { error: row.code, error_description: row.description },
  ]);
  expect(refused).toContain('cache-control: no-store');
  await request('GET /healthz HTTP/1.1', HOST, `X: ${'x'.repeat(1_000_000)}`); // cut off, with or without an answer
  expect(statusOf(await request('GET /healthz HTTP/1.1', HOST))).toBe(200);
});

test.each([
  ['no HTTP at all', ['\u0016\u0003\u0001']],
  ['a line without a version', ['GET /healthz']],
  ['two lengths', ['POST /oauth/token HTTP/1.1', HOST, 'Content-Length: 1', 'Content-Length: 2']],
  ['a length and chunks', ['POST /oauth/token HTTP/1.1', HOST, 'Content-Length: 1', 'Transfer-Encoding: chunked']],
  ['a length that is no number', ['POST /oauth/token HTTP/1.1', HOST, 'Content-Length: x']],
  ['a negative length', ['POST /oauth/token HTTP/1.1', HOST, 'Content-Length: -1']],
  ['chunks that are none', ['POST /oauth/token HTTP/1.1', HOST, 'Transfer-Encoding: chunked', '', 'zz']],
  ['a header without a name', ['GET /healthz HTTP/1.1', HOST, ': x']],
  ['a space before the colon', ['GET /healthz HTTP/1.1', HOST, 'X : y']],
  ['a header that goes on in the next line', ['GET /healthz HTTP/1.1', HOST, 'X: y', ' z']],
  ['a bare CR in a header', ['GET /healthz HTTP/1.1', HOST, 'X: y\rz']],
  ['a NUL in a header', ['GET /healthz HTTP/1.1', HOST, 'X: y\u0000z']],
  ['no host', ['GET /healthz HTTP/1.1']],
])('attack 8.38: %s is answered with 400, and the server goes on', async (_, lines) => {
  expect(statusOf(await request(...lines))).toBe(400);
  expect(statusOf(await request('GET /healthz HTTP/1.1', HOST))).toBe(200);
});

test.each([
  'evil.example',
  'evil.example:8400',
  'localhost.evil.example',
  '127.0.0.1@evil.example',
  'localhost/evil.example',
  'localhost?x',
  'localhost#x',
  'local host',
  'localhost, evil.example',
  '"><script>',
  '[::1]',
  '',
  'xn--',
  'a'.repeat(1_000),
])('attack 8.16: the Host %j names no other issuer, and breaks nothing', async (host) => {
  for (const path of ['/.well-known/oauth-authorization-server', '/', '/nowhere', '/api/me']) {
    const answer = await request(`GET ${path} HTTP/1.1`, `Host: ${host}`);
    expect([200, 400, 401, 404]).toContain(statusOf(answer));
    expect(answer).not.toMatch(/evil\.example|<script>|\nlocation:/i);
    if (statusOf(answer) === 200 && path.startsWith('/.well-known'))
      expect(JSON.parse(bodyOf(answer))).toMatchObject({
        issuer: at.issuer,
        jwks_uri: `${at.issuer}/.well-known/jwks.json`,
        status_list_aggregation_endpoint: `${at.issuer}/status-lists`,
      });
  }
});

test('attack 8.16: of two hosts neither is believed', async () => {
  const answer = await request('GET /.well-known/oauth-authorization-server HTTP/1.1', 'Host: evil.example', HOST);
  expect([statusOf(answer), JSON.parse(bodyOf(answer)).issuer]).toEqual([200, at.issuer]);
});

test('attack 8.16: the absolute form of a request names no other issuer either', async () => {
  const answer = await request('GET http://evil.example/.well-known/oauth-authorization-server HTTP/1.1', HOST);
  expect([statusOf(answer), JSON.parse(bodyOf(answer)).issuer]).toEqual([200, at.issuer]);
});

test('attack 8.38: a body of 10 MB is refused before it has come in', async () => {
  const head = [
    'POST /oauth/token HTTP/1.1',
    HOST,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${10 * 1024 * 1024}`,
    'Connection: close',
  ];
  expect(statusOf(await send([...head, '', 'x'].join('\r\n')))).toBe(413);
});

test('attack 8.37: a line of a request makes one line in the log, whatever is in it', async () => {
  const before = at.logged.length;
  await request('GET /no%0d%0awhere?x=%0a{"event":"forged"} HTTP/1.1', HOST, 'User-Agent: a\tb{"event":"forged"}');
  const lines = at.logged.slice(before);
  expect(lines.map((line) => [JSON.parse(line).event, line.match(/\n/g)?.length])).toEqual([['refused', 1]]);
});
