// `npm run tour`: the life of a token, by itself, with a clock beside it. Own ports, a temporary folder.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openAdmin } from './admin.ts';
import { type Demo, ensureDemo } from './demo.ts';
import { endTogether, root, run, untilReady, untilSaid } from './processes.ts';

const { values } = parseArgs({
  options: { save: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
});
if (values.help) {
  console.log('npm run tour [-- --save]\n\nShows the life of a token. --save puts what it said into the README.');
  process.exit(0);
}

/** Short, so that the tour need not wait ten seconds for the moment in which a repeat becomes a theft. */
const OVERLAP_MILLISECONDS = 400;

const folder = mkdtempSync(join(tmpdir(), 'latchkey-tour-'));
const all = endTogether({ codeOfSignal: 130, cleanUp: () => rmSync(folder, { recursive: true, force: true }) });
const [port, apiPort] = [await freePort(), await freePort()];
const issuer = `http://localhost:${port}`;
const api = `http://localhost:${apiPort}`;

const server = all.add(
  run(
    'packages/cli/src/main.ts',
    ['serve', '--dev', '--port', String(port), '--log-level', 'error', '--no-admin-link'],
    {
      LATCHKEY_DATA: join(folder, 'data'),
      LATCHKEY_KEK_FILE: join(folder, 'kek'),
      LATCHKEY_REFRESH_OVERLAP_MS: String(OVERLAP_MILLISECONDS),
    },
    'ignore',
  ),
);
const apiEnv = { ISSUER: issuer, AUDIENCE: api, PORT: String(apiPort) };
const example = all.add(run('examples/express-api/server.ts', [], apiEnv, 'ignore'));
const apiReady = untilSaid('ready', example, 30_000);

const started = performance.now();
const said: string[] = [];
const tell = (line: string) => {
  said.push(line);
  console.log(line);
};
const row = (at: number, what: string) => tell(`${(at - started).toFixed(1).padStart(9)} ms  ${what}`);
const say = (what: string) => row(performance.now(), what);

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

await all.run(async () => {
  tell(`Latchkey's tour: a server and an API as two processes, in ${folder}`);
  tell(`The overlap for lost responses is ${OVERLAP_MILLISECONDS} ms here instead of 10 s, so that nobody waits.\n`);
  const first = await logIn(await prepare());
  const verified = await callTheApi(first);
  const { second, same } = await refreshTwice(first);
  await new Promise((resolve) => setTimeout(resolve, OVERLAP_MILLISECONDS + 100));
  say(`API accepts the new access token: ${await profile(second.access)}`);
  const refusals = await steal(first, second);
  const isAsPromised = verified && same && refusals.every((status) => status === 400);
  if (!isAsPromised) console.error('\nThis is not what the tour promises.');
  else if (values.save) saveIn('README.md');
  await all.end(isAsPromised ? 0 : 1);
});

async function prepare(): Promise<Demo> {
  if (!(await untilReady(`${issuer}/readyz`, server, 30_000))) throw new Error('The server did not come up.');
  say('server ready');
  const admin = await openAdmin(join(folder, 'admin.json'), issuer);
  const demo = await ensureDemo(admin, join(folder, 'demo.json'), { audience: api, issuer });
  if (!(await apiReady)) throw new Error('The API did not come up.');
  say('API ready: it has the keys and follows the revocation feed');
  return demo;
}

async function logIn({ username, password }: Demo): Promise<Tokens> {
  const { body } = await post('/api/login', { username, password });
  say(`login: an access token for ${body.expires_in} s, and a refresh token`);
  return tokensIn(body);
}

async function callTheApi({ access }: Tokens): Promise<boolean> {
  const before = await apiCalls();
  const status = await profile(access);
  const calls = (await apiCalls()) - before;
  say(`API accepts the access token: ${status}; network calls of the API for it: ${calls}`);
  return status === 200 && calls === 0;
}

async function refreshTwice(first: Tokens): Promise<{ readonly second: Tokens; readonly same: boolean }> {
  const asked = { refresh_token: first.refresh, attempt_id: randomUUID() };
  const second = tokensIn((await post('/api/refresh', asked)).body);
  say('refresh: a new access token and a new refresh token');
  const same = tokensIn((await post('/api/refresh', asked)).body).refresh === second.refresh;
  say(`the same refresh again, as after a lost response: ${same ? 'the same successor' : 'another successor'}`);
  return { second, same };
}

/** @returns the statuses that thief and owner got */
async function steal(first: Tokens, second: Tokens): Promise<readonly number[]> {
  say('a thief presents the first refresh token, after the overlap …');
  const [refusedAt, { status, revokedAt }] = await Promise.all([untilRefused(second.access), present(first.refresh)]);
  const after = Math.max(0, refusedAt - revokedAt).toFixed(1);
  row(refusedAt, `API refuses the access token, ${after} ms after the server's answer`);
  const again = await post('/api/refresh', { refresh_token: second.refresh });
  say(`the owner's refresh token: ${again.status} ${again.body.error}. Sign in again.`);
  return [status, again.status];
}

async function present(stolen: string) {
  const { status, body } = await post('/api/refresh', { refresh_token: stolen });
  const revokedAt = performance.now();
  row(revokedAt, `server answers ${status} ${body.error}: the family has ended, for thief and owner alike`);
  return { status, revokedAt };
}

function tokensIn(body: Readonly<Record<string, unknown>>): Tokens {
  return { access: String(body.access_token), refresh: String(body.refresh_token) };
}

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
  throw new Error('The API never refused the token.');
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

/** Puts what was said between the marks of a document. */
function saveIn(document: string): void {
  const path = join(root, document);
  const [begin, end] = ['<!-- tour -->\n```text\n', '\n```\n<!-- /tour -->'];
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no marks for the tour.`);
  writeFileSync(path, text.slice(0, from + begin.length) + said.join('\n') + text.slice(to));
}
