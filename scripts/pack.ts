// `npm run pack`: builds @latchkey/verifier and packs it, with what it needs inside, as one file under ./packs.
// Nothing is published yet; this is how an API outside of this checkout installs it. Another folder may be named. What is
// built stays beside what is packed, so that two of these at a time do not meet.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { root } from './processes.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const WITH = ['protocol', 'tokens'];

const target = resolve(root, process.argv[2] ?? 'packs');
const work = mkdtempSync(join(tmpdir(), 'latchkey-pack-'));
const [built, stage] = [join(work, 'built'), join(work, 'stage')];
const shell = process.platform === 'win32';
try {
  execFileSync('tsc', ['-p', 'tsconfig.pack.json', '--outDir', built], { cwd: root, stdio: 'inherit', shell });
  for (const name of WITH) place(name, join(stage, 'node_modules', '@latchkey', name), {});
  // what the tokens package needs itself is taken along with it
  cpSync(join(root, 'node_modules', 'jose'), join(stage, 'node_modules', 'jose'), { recursive: true });
  const own = place('verifier', stage, { bundleDependencies: WITH.map((name) => `@latchkey/${name}`) });
  cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
  const file = `latchkey-verifier-${own.version}.tgz`;
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  execFileSync('npm', ['pack', '--silent', '--pack-destination', work], { cwd: stage, stdio: [...stdio], shell });
  mkdirSync(target, { recursive: true });
  cpSync(join(work, file), join(target, `${file}.new`));
  renameSync(join(target, `${file}.new`), join(target, file)); // whoever installs it meanwhile gets the one or the other
  console.log(relative(root, join(target, file)));
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Copies what a package publishes: its built files, and its manifest without what only this checkout understands. */
function place(name: string, folder: string, extra: object): Manifest {
  const from = join(root, 'packages', name);
  const manifest: Manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([path, { types, default: main }]) => [path, { types, default: main }]),
  );
  mkdirSync(folder, { recursive: true });
  cpSync(join(built, name, 'src'), join(folder, 'dist'), { recursive: true });
  const { devDependencies: _, ...rest } = manifest as Manifest & { readonly devDependencies?: unknown };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...rest, exports, files: ['dist'], ...extra }, null, 2));
  return manifest;
}
