import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { type SelfSigned, selfSigned } from '@latchkey/testkit/certificate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPlace, type Place } from './server-process.ts';

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place.close());

const pair = (name: string) => selfSigned(name, Date.now());
const put = (name: string, text: string) => writeFileSync(join(place.folder, name), text, { mode: 0o600 });
function install({ cert, key }: SelfSigned): void {
  put('cert.pem', cert);
  put('key.pem', key);
}

const FILES = ['--tls-cert', 'cert.pem', '--tls-key', 'key.pem'];
const serve = (env: NodeJS.ProcessEnv = {}) =>
  place.serve(['--dev', '--no-admin-link', '--issuer', `https://localhost:${place.port}`, ...FILES], env);

/** The name in the certificate that a new connection is shown. */
async function shown(options: ConnectionOptions = {}): Promise<string> {
  const socket = connect({ port: place.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

function get(path: string, ca: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`https://localhost:${place.port}${path}`, { ca, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    });
    sent.on('error', reject).end();
  });
}

test('with a certificate the server speaks https, and its metadata says so', { timeout: 60_000 }, async () => {
  const own = pair('first');
  install(own);
  const server = await serve();
  expect(await get('/healthz', own.cert)).toMatchObject({ status: 200 });
  const { body } = await get('/.well-known/oauth-authorization-server', own.cert);
  expect(JSON.parse(body)).toMatchObject({ token_endpoint: `https://localhost:${place.port}/oauth/token` });
  await expect(fetch(`http://localhost:${place.port}/healthz`)).rejects.toThrow('fetch failed');
  server.child.kill('SIGTERM');
  expect([await server.ended(), server.err()]).toEqual([0, '']);
});

test('RFC 9325 §3.1.1: a client that knows nothing newer than TLS 1.1 gets no connection', {
  timeout: 60_000,
}, async () => {
  install(pair('first'));
  await serve({ NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=ALL:@SECLEVEL=0' }); // an environment that allows more
  await expect(shown({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' })).rejects.toThrow();
  expect(await shown({ maxVersion: 'TLSv1.2' })).toBe('first');
});

test('a renewed certificate is taken up without a restart; while the key does not fit, the one before stays', {
  timeout: 60_000,
}, async () => {
  install(pair('first'));
  const server = await serve();
  const next = pair('second');
  put('cert.pem', next.cert);
  await server.until(/"certificate":"kept"/);
  expect(await shown()).toBe('first');
  put('key.pem', next.key);
  await server.until(/"certificate":"reloaded"/);
  expect(await shown()).toBe('second');
});

test('a key that goes away, or cannot be read any more, ends nothing: the pair before stays', {
  timeout: 60_000,
}, async () => {
  install(pair('first'));
  const server = await serve();
  rmSync(join(place.folder, 'key.pem'));
  mkdirSync(join(place.folder, 'key.pem'));
  await server.until(/"certificate":"kept"/);
  expect(await shown()).toBe('first');
});

test.skipIf(process.platform === 'win32')(
  'files that are links are followed to where they lead by now',
  {
    timeout: 60_000,
  },
  async () => {
    for (const name of ['first', 'second']) {
      const { cert, key } = pair(name);
      put(`${name}.cert`, cert);
      put(`${name}.key`, key);
    }
    const link = (name: string) => {
      for (const file of ['cert', 'key']) {
        rmSync(join(place.folder, `${file}.pem`), { force: true });
        symlinkSync(`${name}.${file}`, join(place.folder, `${file}.pem`));
      }
    };
    link('first');
    const server = await serve();
    expect(await shown()).toBe('first');
    link('second');
    await server.until(/"certificate":"reloaded"/);
    expect(await shown()).toBe('second');
  },
);
