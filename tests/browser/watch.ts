import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with a page, in words. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: runner } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await runner.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  });
}

/** Looks at one page after the other, and remembers what is wrong. */
export function watch(page: Page) {
  const seen: string[] = [];
  const look = async (name: string) => {
    const isTooWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    seen.push(
      ...(isTooWide ? [`${name} scrolls sideways`] : []),
      ...(await violations(page)).map((each) => `${name}: ${each}`),
    );
  };
  return { seen, look };
}
