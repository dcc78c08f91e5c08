// `npm run pack`: builds @latchkey/verifier and packs it, with what it needs inside, as one file under ./packs.
// Nothing is published yet; this is how an API outside of this checkout installs it.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './processes.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const WITH = ['protocol', 'tokens'];

execFileSync('tsc', ['-b', 'packages/verifier'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
const stage = mkdtempSync(join(tmpdir(), 'latchkey-pack-'));
try {
  for (const name of WITH) place(name, join(stage, 'node_modules', '@latchkey', name), {});
  const own = place('verifier', stage, { bundleDependencies: WITH.map((name) => `@latchkey/${name}`) });
  cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
  mkdirSync(join(root, 'packs'), { recursive: true });
  const file = `latchkey-verifier-${own.version}.tgz`;
  execFileSync('npm', ['pack', '--silent', '--pack-destination', join(root, 'packs')], {
    cwd: stage,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  console.log(`packs/${file}`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** Copies what a package publishes: its built files, and its manifest without what only this checkout understands. */
function place(name: string, folder: string, extra: object): Manifest {
  const from = join(root, 'packages', name);
  const manifest: Manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([path, { types, default: main }]) => [path, { types, default: main }]),
  );
  mkdirSync(folder, { recursive: true });
  cpSync(join(from, 'dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(test\.|tsbuildinfo)/.test(path),
  });
  const { devDependencies: _, ...rest } = manifest as Manifest & { readonly devDependencies?: unknown };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...rest, exports, files: ['dist'], ...extra }, null, 2));
  return manifest;
}
