import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAdmin } from '@latchkey/cli/admin-client';
import { EXIT, Stop } from '@latchkey/cli/exit-codes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testContext } from './context.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
  const credential = { issuer: 'https://id.example', client_id: 'cli_1', client_secret: 'lk_cs_s:e/c' };
  writeFileSync(join(folder, 'admin.json'), JSON.stringify(credential), { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TOKEN = Response.json({ access_token: 'token', expires_in: 300 });

/** The admin API with these answers, one after the other; the first is for the token. */
async function openWith(...answers: readonly (Response | Error)[]) {
  const asked: { readonly url: string; readonly init: RequestInit | undefined }[] = [];
  const left = [...answers];
  const { context } = testContext({
    cwd: folder,
    fetch: (url, init) => {
      asked.push({ url: String(url), init });
      const answer = left.shift();
      return answer instanceof Response ? Promise.resolve(answer.clone()) : Promise.reject(answer);
    },
  });
  return { asked, admin: await openAdmin(context, 'admin.json') };
}

const stopOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) =>
      error instanceof Stop ? { exit: error.exit, message: error.message, mend: error.mend } : error,
  );

test('RFC 6749 §2.3.1: it signs in as any client does, and asks for the admin API', async () => {
  const { asked } = await openWith(TOKEN);
  const [{ url, init } = { url: '', init: {} }] = asked;
  expect(url).toBe('https://id.example/oauth/token');
  expect(init).toMatchObject({
    method: 'POST',
    redirect: 'error',
    body: 'grant_type=client_credentials&resource=https%3A%2F%2Fid.example%2Fadmin%2Fapi',
    headers: { authorization: `Basic ${Buffer.from('cli_1:lk_cs_s%3Ae%2Fc').toString('base64')}` },
  });
});

test('a list is read page by page to its end', async () => {
  const { asked, admin } = await openWith(
    TOKEN,
    Response.json({ items: [{ id: 1 }, { id: 2 }], next: 'b' }),
    Response.json({ items: [{ id: 3 }] }),
  );
  expect(await admin.all('/accounts')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  expect(asked.slice(1).map(({ url }) => url)).toEqual([
    'https://id.example/admin/api/accounts?limit=200',
    'https://id.example/admin/api/accounts?limit=200&after=b',
  ]);
});

const problem = (status: number, body: object) => Response.json(body, { status });

test.each([
  [problem(404, { error: 'not_found', detail: 'There is no such thing.' }), EXIT.notFound],
  [problem(401, { error: 'invalid_token' }), EXIT.unauthorised],
  [problem(403, { error: 'insufficient_scope' }), EXIT.unauthorised],
  [problem(403, { error: 'access_denied' }), EXIT.refused],
  [problem(409, { error: 'conflict' }), EXIT.refused],
  [problem(422, { error: 'invalid_request' }), EXIT.refused],
  [problem(429, { error: 'temporarily_unavailable' }), EXIT.unreachable],
  [problem(503, { error: 'temporarily_unavailable' }), EXIT.unreachable],
  [problem(500, { error: 'server_error' }), EXIT.fault],
  [new Response('<html>', { status: 502 }), EXIT.unreachable],
])('an answer has its exit code', async (answer, exit) => {
  const { admin } = await openWith(TOKEN, answer);
  expect(await stopOf(admin.get('/keys'))).toMatchObject({ exit });
});

test('a refusal comes with what to do, and with the id to ask about it', async () => {
  const body = {
    type: 'https://id.example/errors#password_too_short',
    error: 'password_too_short',
    detail: 'The password is too short.',
    error_id: 's1-a',
  };
  const { admin } = await openWith(TOKEN, problem(422, body));
  expect(await stopOf(admin.post('/accounts', {}))).toEqual({
    exit: EXIT.refused,
    message: 'The password is too short. (password_too_short)',
    mend: 'Use at least 15 characters; several words do well. More: latchkey token explain s1-a',
  });
});

test('a credential that the server refuses, and a server that does not answer', async () => {
  expect(await stopOf(openWith(problem(401, { error: 'invalid_client' })))).toMatchObject({ exit: EXIT.unauthorised });
  const unreachable = await stopOf(openWith(new TypeError('fetch failed')));
  expect(unreachable).toMatchObject({ exit: EXIT.unreachable });
  expect(JSON.stringify(unreachable)).not.toContain('lk_cs_');
});
