import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedFetch, GUARD } from './guarded-fetch.ts';
import { isSpecialUse } from './special-use.ts';

test.each([
  '127.0.0.1',
  '127.255.255.255',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '[::1]',
  'fe80::1%eth0',
  'fd00::1',
  'ff02::1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'not an address',
  '',
])("OPS-03 RFC 6890: %s is never reached on somebody's word", (address) => {
  expect(isSpecialUse(address)).toBe(true);
});

test.each(['8.8.8.8', '172.15.255.255', '172.32.0.1', '2606:4700::1111'])('OPS-03: %s may be reached', (address) => {
  expect(isSpecialUse(address)).toBe(false);
});

test.each([
  ['http', 'http://example.com/'],
  ['a user in it', 'https://user:pw@example.com/'],
  ['no URL', 'example.com'],
  ['another scheme', 'file:///etc/passwd'],
])('OPS-03: a URL with %s is refused', async (_, url) => {
  expect(await createGuardedFetch()(url, { method: 'GET' })).toEqual({ ok: false, error: 'url_refused' });
});

test.each(['https://127.0.0.1/', 'https://[::1]/', 'https://2130706433/', 'https://0x7f.1/', 'https://localhost/'])(
  'OPS-03: %s is refused, by its address or by that of its name',
  async (url) => {
    expect(await createGuardedFetch()(url, { method: 'GET' })).toEqual({ ok: false, error: 'address_refused' });
  },
);

const folder = mkdtempSync(join(tmpdir(), 'latchkey-tls-'));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
let base: string;
let server: ReturnType<typeof createServer>;
beforeAll(async () => {
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    if (request.url === '/redirect') return response.writeHead(302, { location: '/' }).end();
    if (request.url === '/slow') return;
    if (request.url === '/broken')
      return response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy());
    if (request.url === '/large') return response.end('x'.repeat(2_001));
    if (request.url === '/full') return response.end('x'.repeat(2_000));
    response
      .setHeader('content-type', 'text/plain')
      .end(`hello ${request.method} ${request.headers.cookie ?? 'no cookie'}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const trusting = () =>
  createGuardedFetch({
    ...GUARD,
    milliseconds: 500,
    bytesMax: 2_000,
    isRefused: () => false,
    ca: readFileSync(cert, 'utf8'),
  });

test('OPS-03: what may be fetched is fetched', async () => {
  const answer = await trusting()(`${base}/`, { method: 'GET' });
  expect(
    answer.ok && [answer.value.status, answer.value.contentType, Buffer.from(answer.value.body).toString()],
  ).toEqual([200, 'text/plain', 'hello GET no cookie']);
});

test.each([
  ['a redirect', '/redirect', 'redirected'],
  ['an answer that does not come', '/slow', 'timed_out'],
  ['an answer that breaks off', '/broken', 'failed'],
  ['one byte too many', '/large', 'too_large'],
])('OPS-03: %s is refused', async (_, path, error) => {
  expect(await trusting()(base + path, { method: 'GET' })).toEqual({ ok: false, error });
});

test.each(['open', 'shut'])(
  'OPS-03: an answer that goes over to another protocol is refused, and its connection is %s',
  async (connection) => {
    const switching = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
        if (connection === 'shut') socket.end();
      });
    });
    await new Promise<void>((resolve) => switching.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(switching.address() as AddressInfo).port}`;
    const named = createGuardedFetch({ ...GUARD, milliseconds: 300, allow: [origin] });
    try {
      expect(await named(`${origin}/`, { method: 'POST', body: 'a=b' })).toEqual({ ok: false, error: 'failed' });
    } finally {
      switching.close();
    }
  },
);

test('OPS-03: an origin that the operator has named is reached, by http too, and no other', async () => {
  const plain = createHttpServer((request, response) => {
    if (request.url === '/redirect') return response.writeHead(302, { location: base }).end();
    response.end('here');
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const { port } = plain.address() as AddressInfo;
  const named = createGuardedFetch({ ...GUARD, allow: [`http://127.0.0.1:${port}`] });
  const get = (url: string) => named(url, { method: 'GET' });
  try {
    expect(await get(`http://127.0.0.1:${port}/logout?x`)).toMatchObject({ ok: true, value: { status: 200 } });
    expect(await get(`http://127.0.0.1:${port}/redirect`)).toEqual({ ok: false, error: 'redirected' });
    for (const url of [`http://localhost:${port}/`, `http://127.0.0.1:${port + 1}/`, `http://me@127.0.0.1:${port}/`])
      expect(await get(url)).toEqual({ ok: false, error: 'url_refused' });
    for (const url of [`https://127.0.0.1:${port}/`, `${base}/`])
      expect(await get(url)).toEqual({ ok: false, error: 'address_refused' });
  } finally {
    plain.closeAllConnections();
    plain.close();
  }
});

test('OPS-03: by https the certificate counts for an origin that is named, too', async () => {
  const allow = [base];
  const ca = readFileSync(cert, 'utf8');
  expect(await createGuardedFetch({ ...GUARD, allow, ca })(`${base}/`, { method: 'GET' })).toMatchObject({ ok: true });
  expect(await createGuardedFetch({ ...GUARD, allow })(`${base}/`, { method: 'GET' })).toEqual({
    ok: false,
    error: 'failed',
  });
});

test('OPS-03: as much as may be is taken, and a certificate of nobody is not believed', async () => {
  expect((await trusting()(`${base}/full`, { method: 'GET' })).ok).toBe(true);
  const strict = createGuardedFetch({ ...GUARD, isRefused: () => false });
  expect(await strict(`${base}/`, { method: 'GET' })).toEqual({ ok: false, error: 'failed' });
});
