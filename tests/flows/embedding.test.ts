import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLatchkey } from '@latchkey/server';
import { freePort } from '@latchkey/testkit/test-server';
import express from 'express';
import { expect, test } from 'vitest';
import { run, stop, untilReady } from '../../scripts/processes.ts';

test('embedding: Latchkey answers under its path, and the app for everything else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-embedded-'));
  const port = await freePort();
  const base = `http://localhost:${port}`;
  const child = run('examples/embedded/server.ts', [], { PORT: String(port), FOLDER: folder }, 'inherit');
  expect(await untilReady(`${base}/auth/readyz`, child, 20_000)).toBe(true);
  const get = async (path: string) => {
    const answer = await fetch(base + path);
    return { status: answer.status, text: await answer.text() };
  };
  expect((await get('/')).text).toContain('The app itself');
  expect((await get('/auth')).text).toContain('Latchkey is running');
  expect((await get('/auth/.well-known/jwks.json')).status).toBe(200);
  expect(JSON.parse((await get('/.well-known/oauth-authorization-server/auth')).text).issuer).toBe(`${base}/auth`);
  expect(JSON.parse((await get('/auth/nowhere')).text).error).toBe('not_found');
  expect((await get('/nowhere')).text).toContain('Cannot GET /nowhere');
  const form = await fetch(`${base}/auth/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'x' }),
  });
  expect([form.status, (await form.json()).error]).toEqual([401, 'invalid_client']);
  await stop(child);
  expect(child.exitCode).toBe(0);
  rmSync(folder, { recursive: true });
});

test('embedding: mounted at a path by Express, and as a fetch handler that passes on what is none of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-embedded-'));
  const port = await freePort();
  const latchkey = await createLatchkey({
    settings: {
      mode: 'development',
      issuer: `http://localhost:${port}/auth`,
      data: `${folder}/data`,
      kekFile: `${folder}/kek`,
    },
  });
  expect(await latchkey.fetch(new Request(`http://localhost:${port}/other`))).toBeUndefined();
  expect((await latchkey.fetch(new Request(`http://localhost:${port}/auth/healthz`)))?.status).toBe(200);
  const app = express();
  app.use('/auth', latchkey.node);
  const server = app.listen(port, '127.0.0.1');
  expect((await fetch(`http://localhost:${port}/auth/readyz`)).status).toBe(200);
  server.close();
  server.closeAllConnections();
  await latchkey.close();
  rmSync(folder, { recursive: true });
});

test('embedding: a wrong configuration is thrown with all of its mistakes', async () => {
  await expect(createLatchkey({ settings: { issuer: 'http://auth.example', port: 'x' } })).rejects.toThrow(
    /port.*[\s\S]*docs|port/,
  );
});
