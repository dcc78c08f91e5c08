import { cliPage } from './cli.ts';
import { endpointsPage } from './endpoints.ts';
import { errorsPage } from './errors.ts';
import { settingsPage } from './settings.ts';
import { standardsCoveragePage } from './standards-coverage.ts';

/** Every generated page: its file in docs/reference, and its text. The same code gives the same text. */
export const referencePages = async (): Promise<Readonly<Record<string, string>>> => ({
  'settings.md': settingsPage(),
  'errors.md': errorsPage(),
  'endpoints.md': endpointsPage(),
  'cli.md': await cliPage(),
  'standards-coverage.md': standardsCoveragePage(),
});
