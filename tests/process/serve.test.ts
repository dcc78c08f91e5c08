import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { freePort, startTestServer } from '@latchkey/testkit/test-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deploy } from './crash-client.ts';
import { openPlace, type Place, type Said } from './server-process.ts';

const [NAME, PASSWORD] = ['process', 'a passphrase for the real process'];

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place.close());

/** A connection on which a test decides what is sent when, and what has come so far. */
async function openSocket(): Promise<{ readonly socket: Socket; until(pattern: RegExp): Promise<string> }> {
  const socket = connectSocket(place.port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk;
  });
  await once(socket, 'connect');
  return {
    socket,
    async until(pattern) {
      while (!pattern.test(received)) await once(socket, 'data');
      return received;
    },
  };
}

const head = (path: string, lines: readonly string[] = []) =>
  [`${path} HTTP/1.1`, `Host: localhost:${place.port}`, ...lines, '', ''].join('\r\n');

test('SIGTERM: a request under way is answered, streams and idle connections end, nobody new comes in, exit code 0', {
  timeout: 60_000,
}, async () => {
  const server = await place.serve(['--dev', '--no-admin-link', '--drain-seconds', '120']);
  const { clientId } = await deploy(place, NAME, PASSWORD);
  const idle = await openSocket();
  idle.socket.write(head('GET /healthz'));
  await idle.until(/"ok"/);
  const stream = await openSocket();
  stream.socket.write(head('GET /revocations', ['Accept: text/event-stream']));
  await stream.until(/event: heartbeat/);
  const [idleClosed, streamClosed] = [once(idle.socket, 'close'), once(stream.socket, 'close')];

  const body = JSON.stringify({ username: NAME, password: PASSWORD, client_id: clientId });
  const busy = await openSocket();
  const type = ['Content-Type: application/json', `Content-Length: ${body.length}`, 'Expect: 100-continue'];
  busy.socket.write(head('POST /api/login', type));
  await busy.until(/100 Continue/); // the server has it now
  busy.socket.write(body.slice(0, 10));
  server.child.kill('SIGTERM');
  await server.until(/"event":"stopping"/);
  await Promise.all([idleClosed, streamClosed]);
  await expect(fetch(`${place.issuer}/healthz`)).rejects.toThrow('fetch failed');
  expect(server.child.exitCode).toBeNull();

  const busyClosed = once(busy.socket, 'close');
  busy.socket.write(body.slice(10));
  expect(await busy.until(/"access_token":"/)).toMatch(/HTTP\/1\.1 200 OK[\s\S]*\r\nconnection: close\r\n/i);
  await busyClosed;
  expect([await server.ended(), server.err()]).toEqual([0, '']);
  expect(server.out()).toContain('"event":"stopped"');
});

test('while a server stops, /readyz answers 503 with Retry-After, and /healthz that it runs', async () => {
  const at = await startTestServer();
  expect((await at.fetch('/readyz')).status).toBe(200);
  at.running.drain();
  const answer = await at.fetch('/readyz');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await answer.json()).toMatchObject({
    error: 'temporarily_unavailable',
    detail: 'The server is shutting down.',
  });
  expect((await at.fetch('/healthz')).status).toBe(200);
  await at.close();
});

test('a second process on the same database is refused with a clear message, and the first goes on', {
  timeout: 60_000,
}, async () => {
  await place.serve();
  const second = place.latchkey(['serve', '--dev', '--port', String(await freePort())]);
  expect([await second.ended(), second.out()]).toEqual([1, '']);
  expect(second.err()).toBe(
    `The database cannot be opened: another server process uses ${realpathSync(place.database)}.\n`,
  );
  expect((await fetch(`${place.issuer}/readyz`)).status).toBe(200);
});

test('a port in use is named with the flag that changes it', { timeout: 60_000 }, async () => {
  const taken = createServer().listen(place.port, '127.0.0.1');
  await once(taken, 'listening');
  const said = place.latchkey(['serve', '--dev']);
  expect([await said.ended(), said.err()]).toEqual([
    1,
    `Port ${place.port} is in use. Choose another one: --port ${(place.port % 65_000) + 100}\n`,
  ]);
  taken.close();
});

test('a database under another key-encryption key is refused, and stays as it was', { timeout: 60_000 }, async () => {
  const first = await place.serve();
  first.child.kill('SIGTERM');
  await first.ended();
  const kek = join(place.folder, '.latchkey/kek');
  const right = readFileSync(kek, 'utf8');
  const rows = () => {
    const database = new DatabaseSync(place.database, { readOnly: true });
    const all = [database.prepare('SELECT * FROM state').all(), database.prepare('SELECT * FROM signing_keys').all()];
    database.close();
    return all;
  };
  const before = rows();
  writeFileSync(kek, `${randomBytes(32).toString('base64')}\n`);
  const wrong = place.latchkey(['serve', '--dev']);
  expect([await wrong.ended(), wrong.out(), wrong.err()]).toEqual([
    1,
    '',
    'The database was written under another key-encryption key, so none of its secrets open.\n' +
      'Bring back the key that it was made with (--kek-file, LATCHKEY_KEK), or take another data folder (--data).\n',
  ]);
  expect(rows()).toEqual(before);
  writeFileSync(kek, right);
  await place.serve();
});

const PRODUCTION = ['serve', '--issuer', 'https://id.example.com', '--trusted-proxies', '127.0.0.1'];

test('production mode never makes a key-encryption key of its own', { timeout: 60_000 }, async () => {
  const said = place.latchkey(PRODUCTION);
  expect([await said.ended(), said.out(), existsSync(join(place.folder, '.latchkey'))]).toEqual([2, '', false]);
  expect(said.err()).toContain('there is no key-encryption key at');
  expect(said.err()).toContain('run latchkey init');
});

test('production mode tells every mistake of an unsafe configuration at once, each with its mend', {
  timeout: 60_000,
}, async () => {
  mkdirSync(join(place.folder, 'data'), { mode: 0o700 });
  const write = (name: string, text: string, mode: number) => writeFileSync(join(place.folder, name), text, { mode });
  write('data/kek', `${randomBytes(32).toString('base64')}\n`, 0o640);
  write('metrics', 'x'.repeat(31), 0o600);
  write('latchkey.config.json', '{"isuer": "https://id.example.com"}', 0o600);
  const flags = '--issuer http://id.example.com --kek-file data/kek --metrics-token-file metrics --port 99999';
  const idle = '--body-idle-seconds 120 --body-absolute-seconds 119';
  const said = place.latchkey(['serve', ...flags.split(' '), ...idle.split(' ')]);
  expect([await said.ended(), said.out()]).toEqual([2, '']);
  const folder = realpathSync(place.folder);
  const lines = said.err().trimEnd().split('\n');
  expect(lines[0]).toBe('The server does not start with this configuration:');
  expect(lines.filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim())).toEqual([
    expect.stringMatching(/^port \(--port\): /),
    'isuer (--isuer): There is no such setting.',
    'issuer (--issuer): The issuer is not https.',
    'bodyIdleSeconds (--body-idle-seconds): It is longer than bodyAbsoluteSeconds.',
    'kekFile (--kek-file): The key-encryption key lies in the data folder: a copy of that folder would be a full compromise.',
    `metricsTokenFile (--metrics-token-file): the token in ${folder}/metrics is shorter than 32 characters: openssl rand -hex 32`,
    `kekFile (--kek-file): ${folder}/data/kek can be read by others; run chmod 600 ${folder}/data/kek`,
  ]);
  expect(lines.filter((line) => /^ {6}\S/.test(line))).toHaveLength(7);
});

test('metrics: on a port of their own, or behind a token, and otherwise nowhere', { timeout: 60_000 }, async () => {
  const metricsPort = await freePort();
  const token = randomBytes(24).toString('hex');
  writeFileSync(join(place.folder, 'token'), `${token}\n`, { mode: 0o600 });
  const get = async (url: string, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await fetch(url, { headers });
    return [answer.status, (await answer.text()).includes('latchkey_requests_total{')];
  };
  const stop = async ({ child, ended }: Said) => {
    child.kill('SIGTERM');
    expect(await ended()).toBe(0);
  };

  const withPort = await place.serve(['--dev', '--metrics-port', String(metricsPort)]);
  expect(await get(`${place.issuer}/healthz`)).toEqual([200, false]);
  expect(await get(`http://127.0.0.1:${metricsPort}/metrics`)).toEqual([200, true]);
  expect(await get(`${place.issuer}/metrics`)).toEqual([404, false]);
  await stop(withPort);

  const withToken = await place.serve(['--dev', '--metrics-token-file', 'token']);
  expect(await get(`${place.issuer}/readyz`)).toEqual([200, false]);
  expect(await get(`${place.issuer}/metrics`)).toEqual([401, false]);
  expect(await get(`${place.issuer}/metrics`, { authorization: `Bearer ${token.slice(1)}` })).toEqual([401, false]);
  expect(await get(`${place.issuer}/metrics`, { authorization: `Bearer ${token}` })).toEqual([200, true]);
  await stop(withToken);
});
