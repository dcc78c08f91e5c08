// `npm start`: the server in development mode, and beside it an example API as a process of its own.
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openAdmin } from './admin.ts';
import { type Demo, ensureDemo } from './demo.ts';
import { root, run, stop, untilReady, untilSaid } from './processes.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8400' },
    'api-port': { type: 'string', default: '8401' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(
    'npm start -- [--port 8400] [--api-port 8401]\n\nStarts the server in development mode, and an example API.',
  );
  process.exit(0);
}

const issuer = `http://localhost:${values.port}`;
const api = `http://localhost:${values['api-port']}`;
const secrets = join(root, '.latchkey');

for (const [port, flag] of [
  [values.port, '--port'],
  [values['api-port'], '--api-port'],
] as const)
  if (!(await isFree(Number(port)))) {
    console.error(`Port ${port} is in use. Choose another one: npm start -- ${flag} ${Number(port) + 100}`);
    process.exit(1);
  }

mkdirSync(secrets, { recursive: true, mode: 0o700 });
const server = run(
  'packages/cli/src/main.ts',
  ['serve', '--dev', '--port', values.port, '--log-level', 'warn'],
  { LATCHKEY_DATA: join(root, 'data'), LATCHKEY_KEK_FILE: join(secrets, 'kek') },
  'inherit',
);
let example: ReturnType<typeof run> | undefined;

let stopping = false;
async function end(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    await Promise.all([stop(server), example === undefined ? undefined : stop(example)]);
  }
  process.exit(code);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (stopping) process.exit(130);
    console.log('\nStopping …');
    void end(0);
  });
server.once('exit', (code) => void end(code ?? 1));

if (!(await untilReady(`${issuer}/readyz`, server, 30_000))) {
  console.error('The server did not come up; see the lines above.');
  await end(1);
}
const admin = await openAdmin(join(secrets, 'admin.json'), issuer);
const demo = await ensureDemo(admin, join(secrets, 'demo.json'), api);
example = run(
  'examples/express-api/server.ts',
  [],
  { ISSUER: issuer, AUDIENCE: api, PORT: values['api-port'] },
  'inherit',
);
example.once('exit', (code) => void end(code ?? 1));
if (!(await untilSaid('ready', example, 30_000))) {
  console.error('The example API did not come up; see the lines above.');
  await end(1);
}
if (!stopping) console.log(welcome(demo));

/** At most fifteen lines, of which those with a command work when they are pasted into bash or zsh. */
function welcome({ username, password }: Demo): string {
  const login = JSON.stringify({ username, password });
  return [
    `Latchkey   ${issuer}   development mode, data in ./data, Ctrl-C stops`,
    `Example    ${api}   protected by @latchkey/verifier`,
    `Account    ${username}   ${password}   (kept in .latchkey/demo.json)`,
    'Paste into another shell: log in, call the API, refresh, log out, call again and be refused.',
    `lk() { curl -s "${issuer}/api/$1" -H 'Content-Type: application/json' -d "$2"; }`,
    `pick() { printf '%s' "$R" | sed -E "s/.*\\"$1\\":\\"([^\\"]*)\\".*/\\1/"; }`,
    `R=$(lk login '${login}'); printf '%s\\n' "$R"`,
    `curl -s -w '\\n' ${api}/profile -H "Authorization: Bearer $(pick access_token)"`,
    `R=$(lk refresh "{\\"refresh_token\\":\\"$(pick refresh_token)\\"}"); printf '%s\\n' "$R"`,
    `lk logout "{\\"refresh_token\\":\\"$(pick refresh_token)\\"}"`,
    `curl -si ${api}/profile -H "Authorization: Bearer $(pick access_token)"`,
  ].join('\n');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
