import { defineConfig } from 'vitest/config';

// what Node itself adds differs between `import` and `require`: named here, a package would get the form for the other
const conditions = ['@latchkey/source', 'node'];

/** Packages that only compute: their own tests take every branch, or `npm run coverage` fails. */
const PURE = ['protocol', 'tokens', 'domain'].map((name) => `packages/${name}/src/**/*.ts`);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    execArgv: ['--conditions=@latchkey/source'],
    coverage: {
      provider: 'v8',
      include: PURE,
      reporter: [['text', { skipFull: true }]],
      thresholds: Object.fromEntries(PURE.map((files) => [files, { branches: 100 }])),
    },
  },
});
