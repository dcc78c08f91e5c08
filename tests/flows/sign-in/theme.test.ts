import { LIMITS } from '@latchkey/protocol/limits';
import { readSettings } from '@latchkey/server/read-settings';
import { createPageBrowser } from '@latchkey/testkit/code-flow';
import { startTestServer } from '@latchkey/testkit/test-server';
import { expect, test } from 'vitest';

test('the pages bear the name and the colour of the deployment, and the policy allows their style', async () => {
  const at = await startTestServer({ settings: { pagesName: 'Röstwerk <Shop>', pagesAccent: '#7a1f5c' } });
  const page = await createPageBrowser(at).get('/signin');
  expect(page.text).toContain('Röstwerk &lt;Shop&gt;');
  expect(page.text).toContain('#7a1f5c');
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page.text) ?? [];
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256').update(style).digest('base64');
  expect(page.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`);
  await at.close();
});

test.each([
  ['pagesAccent', 'red'],
  ['pagesAccent', '#12345'],
  ['pagesAccent', '#123456;}body{display:none'],
  ['pagesName', ''],
  ['pagesName', 'x'.repeat(LIMITS.pagesNameMax + 1)],
])('%s cannot be %s', (name, value) => {
  const settings = readSettings({ flags: { mode: 'development', [name]: value }, env: {}, file: {} });
  expect(settings.ok).toBe(false);
});
