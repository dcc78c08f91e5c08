// `npm run docs`: writes docs/reference. With --check it changes nothing and says which pages are not as they should be.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referencePages } from './reference/pages.ts';

const folder = fileURLToPath(new URL('../docs/reference/', import.meta.url));

/** The pages that differ from what the code says. */
export async function stalePages(): Promise<readonly string[]> {
  return Object.entries(await referencePages())
    .filter(([name, text]) => readPage(name) !== text)
    .map(([name]) => `docs/reference/${name}`);
}

function readPage(name: string): string | undefined {
  try {
    return readFileSync(folder + name, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writePages(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(await referencePages())) writeFileSync(folder + name, text);
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await stalePages();
    for (const path of stale) console.error(`${path} is not what the code says. Run npm run docs.`);
    if (stale.length > 0) process.exitCode = 1;
  } else await writePages();
}
