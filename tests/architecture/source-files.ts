import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly packageName: string;
  readonly isTest: boolean;
  readonly text: string;
  readonly imports: readonly Import[];
}

const IMPORT = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;

/** What a file imports, exports again, or loads later. */
export const importsOf = (text: string): readonly Import[] =>
  [...text.matchAll(IMPORT)].map(([, type, named, loaded]) => ({
    specifier: named ?? loaded ?? '',
    isTypeOnly: type !== undefined,
  }));

/** The source files of all packages. */
export const sourceFiles = (): readonly SourceFile[] =>
  globSync('packages/*/src/**/*.ts', { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => {
      const text = readFileSync(`${root}/${path}`, 'utf8');
      const [, packageName = ''] = path.split('/');
      return { path, packageName, isTest: path.endsWith('.test.ts'), text, imports: importsOf(text) };
    });
