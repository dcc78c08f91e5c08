// `npm start`: the server in development mode, and beside it an example API as a process of its own.
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openAdmin } from './admin.ts';
import { type Demo, ensureDemo } from './demo.ts';
import { endTogether, root, run, untilReady, untilSaid } from './processes.ts';

const USAGE = `npm start -- [--port 8400] [--api-port 8401] [--folder .]

Starts the server in development mode, and an example API. Data and secrets are kept in the folder.`;

const { port, apiPort, folder } = readArguments();
const issuer = `http://localhost:${port}`;
const api = `http://localhost:${apiPort}`;
const secrets = resolve(root, folder, '.latchkey');
const all = endTogether({ codeOfSignal: 0 });

await all.run(async () => {
  await expectFree(port, '--port');
  await expectFree(apiPort, '--api-port');
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  const server = startServer();
  if (!(await untilReady(`${issuer}/readyz`, server, 30_000)))
    throw new Error('The server did not come up; see the lines above.');
  const admin = await openAdmin(join(secrets, 'admin.json'), issuer);
  const demo = await ensureDemo(admin, join(secrets, 'demo.json'), { audience: api, issuer });
  if (!(await untilSaid('ready', startExample(), 30_000)))
    throw new Error('The example API did not come up; see the lines above.');
  console.log(welcome(demo));
});

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8400' },
        'api-port': { type: 'string', default: '8401' },
        folder: { type: 'string', default: '.' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const [port, apiPort] = [portOf('--port', values.port), portOf('--api-port', values['api-port'])];
    if (port === apiPort) throw new TypeError('--port and --api-port are the same.');
    return { port, apiPort, folder: values.folder };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function portOf(flag: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw new TypeError(`${flag} is a number from 1 to 65535.`);
}

/** The server and the API stand or fall together. */
function startServer() {
  const server = all.add(
    run(
      'packages/cli/src/main.ts',
      ['serve', '--dev', '--port', String(port), '--log-level', 'warn', '--no-admin-link'],
      { LATCHKEY_DATA: resolve(root, folder, 'data'), LATCHKEY_KEK_FILE: join(secrets, 'kek') },
      'inherit',
    ),
  );
  server.once('exit', (code) => void all.end(code ?? 1));
  return server;
}

function startExample() {
  const env = { ISSUER: issuer, AUDIENCE: api, PORT: String(apiPort) };
  const example = all.add(run('examples/express-api/server.ts', [], env, 'inherit'));
  example.once('exit', (code) => void all.end(code ?? 1));
  return example;
}

/** At most fifteen lines, of which those with a command work when they are pasted into bash or zsh. */
function welcome({ username, password }: Demo): string {
  const login = JSON.stringify({ username, password });
  return [
    `Latchkey   ${issuer}   development mode, data in ${folder}/data, Ctrl-C stops`,
    `Example    ${api}   protected by @latchkey/verifier`,
    `Account    ${username}   ${password}   (an administrator; kept in ${folder}/.latchkey/demo.json)`,
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

async function expectFree(wanted: number, flag: string): Promise<void> {
  const isFree = await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
  if (isFree) return;
  const other = wanted > 65_000 ? wanted - 100 : wanted + 100;
  throw new Error(`Port ${wanted} is in use. Choose another one: npm start -- ${flag} ${other}`);
}
