import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../../scripts/processes.ts';
import { type ApiWorld, startApi } from './api.ts';

/** A Node 20 of this machine, if it has one; ours, which comes with the dependencies, is younger. */
function findNode20(): string | undefined {
  const places = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return places
    .map((folder) => join(folder, 'node'))
    .find((path) => existsSync(path) && versionOf(path).startsWith('v20.'));
}
const versionOf = (node: string): string => execFileSync(node, ['--version'], { encoding: 'utf8', env: {} });

/** An API as somebody writes it who has nothing but the packed file. */
const API = `
import { createServer } from 'node:http';
import { createVerifier } from '@latchkey/verifier';
import { protect } from '@latchkey/verifier/node';
for (const adapter of ['express', 'fastify', 'hono']) await import('@latchkey/verifier/' + adapter);
const { ISSUER, AUDIENCE, ID, SECRET } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, credentials: { id: ID, secret: SECRET } });
await verifier.ready();
const server = createServer(
  protect(verifier, { scope: ['read'] }, ({ access }, response) => {
    response.end(JSON.stringify([process.version, access.principal.subject]));
  }),
);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

const node20 = findNode20();
let world: ApiWorld;
let folder: string;
let child: ChildProcess | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-node20-'));
  world = await startApi();
});
afterAll(async () => {
  child?.kill();
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Packs the verifier, and unpacks it where an installation would put it. */
function install(): void {
  const path = [dirname(process.execPath), join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, NODE_OPTIONS: '' };
  const script = ['--conditions=@latchkey/source', 'scripts/pack.ts', folder];
  execFileSync(process.execPath, script, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const place = join(folder, 'node_modules/@latchkey/verifier');
  mkdirSync(place, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, 'latchkey-verifier-0.1.0.tgz'), '-C', place, '--strip-components=1']);
}

function startApiOn(node: string): Promise<number> {
  writeFileSync(join(folder, 'api.mjs'), API);
  const { at, api } = world;
  const env = { ISSUER: at.issuer, AUDIENCE: api.row.audience, ID: api.row.id, SECRET: api.secret };
  const started = spawn(node, ['api.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  return new Promise((resolve, reject) => {
    started.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    started.once('exit', (code) => reject(new Error(`the API ended with ${code}`)));
  });
}

test.skipIf(node20 === undefined)(
  node20 === undefined
    ? 'the packed verifier on Node 20: skipped, since no folder of the PATH has a Node 20'
    : 'the packed verifier runs on Node 20: it accepts, and refuses what was revoked',
  { timeout: 120_000 },
  async () => {
    install();
    const port = await startApiOn(String(node20));
    const { body } = await world.login();
    const call = (headers: Record<string, string> = {}) => fetch(`http://127.0.0.1:${port}/`, { headers });
    const withToken = () => call({ authorization: `Bearer ${body.access_token}` });
    const granted = await withToken();
    expect([granted.status, await granted.json()]).toEqual([200, [expect.stringMatching(/^v20\./), world.accountId]]);
    expect((await call()).status).toBe(401);
    expect((await call({ authorization: 'Bearer x' })).status).toBe(401);
    await world.post('/api/logout', { refresh_token: body.refresh_token });
    await expect.poll(async () => (await withToken()).status, { timeout: 15_000, interval: 20 }).toBe(401);
  },
);
