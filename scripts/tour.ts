// `npm run tour`: the life of a token, by itself, with a clock beside it. Own ports, a temporary folder.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAdmin } from './admin.ts';
import { ensureDemo } from './demo.ts';
import { run, stop, untilReady, untilSaid } from './processes.ts';

/** Short, so that the tour need not wait ten seconds for the moment in which a repeat becomes a theft. */
const OVERLAP_MILLISECONDS = 400;

const folder = mkdtempSync(join(tmpdir(), 'latchkey-tour-'));
const port = await freePort();
const apiPort = await freePort();
const issuer = `http://localhost:${port}`;
const api = `http://localhost:${apiPort}`;

const server = run(
  'packages/cli/src/main.ts',
  ['serve', '--dev', '--port', String(port), '--log-level', 'error'],
  {
    LATCHKEY_DATA: join(folder, 'data'),
    LATCHKEY_KEK_FILE: join(folder, 'kek'),
    LATCHKEY_REFRESH_OVERLAP_MS: String(OVERLAP_MILLISECONDS),
  },
  'ignore',
);
const example = run(
  'examples/express-api/server.ts',
  [],
  { ISSUER: issuer, AUDIENCE: api, PORT: String(apiPort) },
  'ignore',
);

async function end(code: number): Promise<never> {
  await Promise.all([stop(example), stop(server)]);
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end(130));

const apiReady = untilSaid('ready', example, 30_000);
const started = performance.now();
const row = (at: number, what: string) => console.log(`${(at - started).toFixed(1).padStart(9)} ms  ${what}`);
const say = (what: string) => row(performance.now(), what);

console.log(`Latchkey's tour: a server and an API as two processes, in ${folder}`);
console.log(
  `The overlap for lost responses is ${OVERLAP_MILLISECONDS} ms here instead of 10 s, so that nobody waits.\n`,
);
if (!(await untilReady(`${issuer}/readyz`, server, 30_000))) await end(1);
say('server ready');
const admin = await openAdmin(join(folder, 'admin.json'), issuer);
const demo = await ensureDemo(admin, join(folder, 'demo.json'), api);
if (!(await apiReady)) await end(1);
say('API ready: it has the keys and follows the revocation feed');

const login = await post('/api/login', { username: demo.username, password: demo.password });
say(`login: an access token for ${login.body.expires_in} s, and a refresh token`);

const before = await apiCalls();
const verified = await profile(String(login.body.access_token));
say(`API accepts the access token: ${verified}; network calls of the API for it: ${(await apiCalls()) - before}`);

const attempt = randomUUID();
const refreshed = await post('/api/refresh', { refresh_token: login.body.refresh_token, attempt_id: attempt });
say('refresh: a new access token and a new refresh token');
const repeated = await post('/api/refresh', { refresh_token: login.body.refresh_token, attempt_id: attempt });
const same = repeated.body.refresh_token === refreshed.body.refresh_token;
say(`the same refresh again, as after a lost response: ${same ? 'the same successor' : 'another successor'}`);
await new Promise((resolve) => setTimeout(resolve, OVERLAP_MILLISECONDS + 100));

const access = String(refreshed.body.access_token);
say(`API accepts the new access token: ${await profile(access)}`);
say('a thief presents the first refresh token, after the overlap …');
const refused = untilRefused(access);
const theft = await post('/api/refresh', { refresh_token: login.body.refresh_token });
const revokedAt = performance.now();
row(revokedAt, `server answers ${theft.status} ${theft.body.error}: the family has ended, for thief and owner alike`);
const refusedAt = await refused;
row(
  refusedAt,
  `API refuses the access token, ${Math.max(0, refusedAt - revokedAt).toFixed(1)} ms after the server's answer`,
);
const again = await post('/api/refresh', { refresh_token: refreshed.body.refresh_token });
say(`the owner's refresh token: ${again.status} ${again.body.error}. Sign in again.`);

const isAsPromised = verified === 200 && same && theft.status === 400 && again.status === 400;
if (!isAsPromised) console.error('\nThis is not what the tour promises.');
await end(isAsPromised ? 0 : 1);

async function post(path: string, body: object) {
  const answer = await fetch(`${issuer}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, unknown>> };
}

async function profile(token: string): Promise<number> {
  const answer = await fetch(`${api}/profile`, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status;
}

/** Asks the API over and over, and resolves with the time of its first refusal. */
async function untilRefused(token: string): Promise<number> {
  const until = performance.now() + 10_000;
  while (performance.now() < until) if ((await profile(token)) === 401) return performance.now();
  console.error('The API never refused the token.');
  return end(1);
}

async function apiCalls(): Promise<number> {
  example.send('calls');
  for (;;) {
    const [message] = await once(example, 'message');
    if (typeof message === 'object' && message !== null && 'calls' in message) return Number(message.calls);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
