import { afterAll, beforeAll, expect, test } from 'vitest';
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
  'docs/guides/rotate-keys.md',
  'docs/guides/run-in-production.md',
])('%s does what it says, from top to bottom', { timeout: 120_000 }, async (file) => {
  expect((await runGuide(file, workshop)).length).toBeGreaterThan(2);
});
