// What this machine can do at best: a bare node:http server that reads the form, makes or checks the same signature and
// writes as durably, with nothing around it. argv: sign | sign-and-write | verify-and-read | code-flow | userinfo, and a
// folder.
import { createHash, generateKeyPairSync, sign, timingSafeEqual, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [what, folder] = process.argv.slice(2);
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const hash = (text: string) => createHash('sha256').update(text).digest();
const secretHash = hash('a-secret-of-the-benchmark-and-nothing-else');

const head = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })).toString('base64url');
const claims = (n: number) => ({
  iss: 'http://127.0.0.1:8400',
  sub: 'cli_0000000000000000000000000',
  aud: 'https://api.example',
  client_id: 'cli_0000000000000000000000000',
  jti: `tok_${n}`,
  iat: 1_795_000_000,
  exp: 1_795_000_300,
  pos: '1795000000:0',
  scope: 'read',
});
let tokens = 0;
function token(): string {
  const input = `${head}.${Buffer.from(JSON.stringify(claims(++tokens))).toString('base64url')}`;
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
}
function isGood(text: string): boolean {
  const end = text.lastIndexOf('.');
  return verify('sha256', Buffer.from(text.slice(0, end)), publicKey, Buffer.from(text.slice(end + 1), 'base64url'));
}

const database = new DatabaseSync(folder === undefined ? ':memory:' : join(folder, 'bare.db'));
database.exec(
  'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE families (id INTEGER PRIMARY KEY, generation INTEGER)',
);
for (let id = 0; id < 64; id++) database.prepare('INSERT INTO families VALUES (?, 0)').run(id);
const rotate = database.prepare('UPDATE families SET generation = generation + 1 WHERE id = ?');
const read = database.prepare('SELECT generation FROM families WHERE id = ?');

/** Writers of one turn share a commit, as they do in the server. */
let waiting: (() => void)[] = [];
function durably(write: () => void): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(() => {
      write();
      resolve();
    });
    if (waiting.length === 1) setImmediate(commit);
  });
}
function commit(): void {
  const batch = waiting;
  waiting = [];
  database.exec('BEGIN IMMEDIATE');
  for (const write of batch) write();
  database.exec('COMMIT');
}

const answers: Readonly<Record<string, (form: URLSearchParams) => Promise<object>>> = {
  sign: async () => ({ access_token: token(), token_type: 'Bearer', expires_in: 300 }),
  'sign-and-write': async () => {
    await durably(() => rotate.run(tokens % 64));
    return { access_token: token(), token_type: 'Bearer', expires_in: 300, refresh_token: 'lk_rt_bench' };
  },
  'code-flow': async () => {
    await durably(() => rotate.run(tokens % 64));
    return { access_token: token(), token_type: 'Bearer', expires_in: 300, id_token: token() };
  },
  'verify-and-read': async (form) => ({ active: isGood(form.get('token') ?? ''), generation: read.get(1) }),
};

/** What takes no form: a code that is on disk, and a token that is looked at. */
const gets: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>> = {
  async 'code-flow'(_request, response) {
    await durably(() => rotate.run(tokens % 64));
    response
      .writeHead(303, { location: `https://client.example/cb?code=${++tokens}`, 'cache-control': 'no-store' })
      .end();
  },
  async userinfo({ headers }, response) {
    const isKnown = isGood(headers.authorization?.slice(7) ?? '') && read.get(1) !== undefined;
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' }).end('{"sub":"acc_bench"}');
  },
};

const body = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => resolve(text));
  });

const server = createServer(async (request, response) => {
  const get = gets[what ?? ''];
  if (request.method === 'GET' && get !== undefined) return void get(request, response);
  const form = new URLSearchParams(await body(request));
  const basic = Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64').toString();
  if (!timingSafeEqual(hash(basic.slice(basic.indexOf(':') + 1)), secretHash))
    return void response.writeHead(401).end();
  const answer = JSON.stringify(await answers[what ?? 'sign']?.(form));
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(answer);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  console.log(`ready ${JSON.stringify({ port, token: token() })}`);
});
process.on('SIGTERM', () => process.exit(0));
