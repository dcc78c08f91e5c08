import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_KEY_PATTERN } from '@latchkey/tokens/formats/api-key';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../scripts/processes.ts';
import { createWorkshop, runGuide, type Workshop } from './run-guide.ts';

let workshop: Workshop;
beforeAll(() => {
  workshop = createWorkshop();
}, 180_000);
afterAll(() => workshop.remove());

test.each([
  'README.md',
  'docs/guides/express.md',
  'docs/guides/fastify.md',
  'docs/guides/hono.md',
  'docs/guides/single-page-app.md',
  'docs/guides/sign-in-web-app.md',
  'docs/guides/sign-in-single-page-app.md',
  'docs/guides/sign-in-native-app.md',
  'docs/guides/first-party-or-not.md',
  'docs/guides/make-the-pages-your-own.md',
  'docs/guides/accounts-and-mail.md',
  'docs/guides/rotate-keys.md',
  'docs/guides/claims.md',
  'docs/guides/api-keys.md',
  'docs/guides/gateway.md',
  'docs/guides/encrypted-tokens.md',
  'docs/guides/pay-once.md',
  'docs/guides/run-in-production.md',
])('%s does what it says, from top to bottom', { timeout: 120_000 }, async (file) => {
  expect((await runGuide(file, workshop)).length).toBeGreaterThan(2);
});

test('APK-01: the pattern that the guide gives to scanners is the one that keys fit', () => {
  const guide = readFileSync(join(root, 'docs/guides/api-keys.md'), 'utf8');
  expect(guide).toContain(`\n${API_KEY_PATTERN}\n`);
});

test.each([['docs/guides/sign-in-web-app.md', 'examples/web-app/server.ts']])(
  '%s shows %s as it is',
  (guide, example) => {
    const [shown, code] = [guide, example].map((path) => readFileSync(join(root, path), 'utf8').trim());
    expect(shown).toContain(code);
  },
);
