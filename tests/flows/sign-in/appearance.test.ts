import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPageBrowser } from '@latchkey/testkit/code-flow';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterAll, afterEach, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-appearance-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

let at: TestServer;
afterEach(() => at.close());
const start = async (settings: Readonly<Record<string, string>>) => {
  at = await startTestServer({ settings });
};

const HOSTILE = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>';

test('HDR-01 ASVS 3.2.1: the logo is an image and nothing else, whatever is in it and however it is called', async () => {
  const name = '"><script>alert(1)<script>\' onerror=x .svg';
  await start({ pagesLogo: write(name, HOSTILE), issuer: 'http://localhost:8400/auth' });
  const browser = createPageBrowser(at);
  const page = await browser.get('/signin');
  expect(page.text).toMatch(/<header><img src="\/auth\/pages\/logo\?v=[0-9a-f]{12}" alt=""><bdi>Latchkey<\/bdi>/);
  expect(page.text).not.toContain('onerror');
  expect(page.headers.get('content-security-policy')).toContain("img-src 'self'");
  const [, src = ''] = /<img src="\/auth([^"]*)"/.exec(page.text) ?? [];
  const logo = await at.fetch(src);
  expect([logo.status, await logo.text(), Object.fromEntries(logo.headers)]).toEqual([
    200,
    HOSTILE,
    {
      'content-type': 'image/svg+xml',
      'cache-control': 'public, max-age=86400',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    },
  ]);
});

test('without a logo there is none to be had', async () => {
  await start({});
  expect((await at.fetch('/pages/logo')).status).toBe(404);
  expect((await createPageBrowser(at).get('/signin')).text).not.toContain('<img');
});

test('HDR-02 ASVS 1.2.1: texts of one’s own stand on the pages of their language, as text', async () => {
  const text = '"><script>alert(1)</script> & {account}';
  const pagesTexts = write(
    'texts.json',
    JSON.stringify({
      de: { 'error.title': 'Das ging schief', 'error.advice': text.replace('{account}', "'{account}'") },
    }),
  );
  await start({ pagesTexts });
  const browser = createPageBrowser(at);
  const german = await browser.get('/signin', { 'accept-language': 'de' });
  expect(german.text).toContain('<title>Das ging schief · Latchkey</title>');
  expect(german.text).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; {account}');
  expect(german.text).not.toContain('<script');
  const english = await browser.get('/signin', { 'accept-language': 'en' });
  expect(english.text).toContain('This did not work');
});
