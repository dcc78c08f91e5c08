import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { root } from './source-files.ts';

const Versions = z.record(z.string(), z.string()).default({});
const Manifest = z.object({
  dependencies: Versions,
  devDependencies: Versions,
  optionalDependencies: Versions,
  peerDependencies: Versions,
});
const Lock = z.object({
  packages: z.record(z.string(), z.object({ resolved: z.string().optional(), link: z.boolean().optional() })),
});

const read = (path: string): unknown => JSON.parse(readFileSync(`${root}/${path}`, 'utf8'));

const manifests = globSync(['package.json', 'packages/*/package.json', 'bench/package.json'], { cwd: root }).sort();
const locks = globSync(['package-lock.json', 'bench/package-lock.json'], { cwd: root }).sort();

test.each(manifests)('%s pins every version exactly', (path) => {
  const manifest = Manifest.parse(read(path));
  const ranges = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
    .flatMap((versions) => Object.entries(versions))
    .filter(([, version]) => !/^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$/.test(version));
  expect(ranges).toEqual([]);
});

test.each(locks)('%s names no registry but the public one, so that any may serve it', (path) => {
  const elsewhere = Object.entries(Lock.parse(read(path)).packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && link !== true)
    .filter(([, { resolved }]) => !resolved?.startsWith('https://registry.npmjs.org/'));
  expect(elsewhere).toEqual([]);
});
