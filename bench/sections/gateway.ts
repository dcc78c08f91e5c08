// (g) A static site behind nginx: open, behind the sidecar, and behind the server itself.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load, repeating, type User } from '../load.ts';
import { measure } from '../processes.ts';
import { median, quantile } from '../statistics.ts';
import { freePort, type Latchkey, MAIN, mintTokens, untilReady } from '../subjects/latchkey.ts';

const IS_TRIAL = process.env.LATCHKEY_BENCH_TRIAL === '1';
const ROUNDS = IS_TRIAL ? 1 : 7;
const SECONDS = IS_TRIAL ? 0.3 : 2;
const USERS = 32;

export interface GatewayFigure {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export async function measureGateway(latchkey: Latchkey): Promise<Readonly<Record<string, GatewayFigure>>> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-gateway-'));
  chmodSync(folder, 0o755); // the workers of nginx are nobody
  const api = await latchkey.api('jwt');
  const tokens = await mintTokens(latchkey.issuer, api.machine, USERS);
  const [port, sidecarPort] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'credential.json'), JSON.stringify(api.resource), { mode: 0o600 });
  writeFileSync(join(folder, 'index.html'), 'hello\n');
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, sidecarPort, latchkey.port, api.resource.id));
  const sidecar = measure(
    MAIN,
    [
      'sidecar',
      '--issuer',
      latchkey.issuer,
      '--audience',
      api.audience,
      '--credential',
      join(folder, 'credential.json'),
      '--listen',
      `127.0.0.1:${sidecarPort}`,
    ],
    {},
    folder,
  );
  await untilReady(`http://127.0.0.1:${sidecarPort}/readyz`);
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.once('exit', () => nginx.kill('SIGKILL'));
  await untilReady(`http://127.0.0.1:${port}/open/`);
  const users = (path: string): readonly User[] =>
    tokens.map((token) => repeating(() => ({ path, headers: { authorization: `Bearer ${token}` }, body: undefined })));
  const candidates = {
    'nginx alone': users('/open/'),
    'nginx and the sidecar': users('/sidecar/'),
    'nginx and the server (a read of the database each)': users('/server/'),
  };
  const rates: Record<string, number[]> = {};
  const latencies: Record<string, number[]> = {};
  for (let round = -1; round < ROUNDS; round++)
    for (const [name, some] of Object.entries(candidates)) {
      const result = await load(port, some, SECONDS);
      if (result.firstFailure !== undefined) throw new Error(`${name}: ${result.firstFailure}`);
      if (round < 0) continue; // the compiler of the engine has to see it first
      rates[name] = [...(rates[name] ?? []), result.requests / result.seconds];
      latencies[name] = [...(latencies[name] ?? []), ...result.latencies];
    }
  nginx.kill('SIGTERM');
  await sidecar.stop();
  rmSync(folder, { recursive: true, force: true });
  return Object.fromEntries(
    Object.keys(candidates).map((name) => [
      name,
      {
        perSecond: median(rates[name] ?? []),
        p50: quantile(latencies[name] ?? [], 0.5),
        p99: quantile(latencies[name] ?? [], 0.99),
      },
    ]),
  );
}

const configuration = (folder: string, port: number, sidecar: number, server: number, resource: string): string => `
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream sidecar { server 127.0.0.1:${sidecar}; keepalive 64; }
  upstream server { server 127.0.0.1:${server}; keepalive 64; }
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port};
    location /open/ { alias ${folder}/; index index.html; }
    location /sidecar/ { alias ${folder}/; index index.html; auth_request /_sidecar; }
    location /server/ { alias ${folder}/; index index.html; auth_request /_server; }
    location = /_sidecar { internal; proxy_pass http://sidecar/verify/${resource}; ${PASSED} }
    location = /_server { internal; proxy_pass http://server/verify/${resource}; ${PASSED} }
  }
}
`;

const PASSED = `proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URI $request_uri; proxy_set_header Host $host;`;
