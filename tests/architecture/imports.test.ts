import { isBuiltin } from 'node:module';
import { expect, test } from 'vitest';
import { importsOf, type SourceFile, sourceFiles } from './source-files.ts';

/** Who may import whom: the table of ARCHITECTURE.md. What a package may not import, it cannot come to depend on. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  tokens: ['protocol'],
  domain: ['protocol'],
  pages: ['protocol'],
  store: ['domain', 'protocol'],
  verifier: ['tokens', 'protocol'],
  server: ['store', 'pages', 'verifier', 'tokens', 'domain', 'protocol'],
  cli: ['server', 'verifier', 'tokens', 'protocol'],
  testkit: ['cli', 'server', 'verifier', 'store', 'pages', 'tokens', 'domain', 'protocol'],
};

/** Packages of others, by who may use them. Where only types may be used, nothing of it is left when it runs. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  tokens: ['jose'],
  domain: [],
  pages: ['intl-messageformat'],
  store: [],
  verifier: [],
  server: ['@hono/node-server', '@node-rs/argon2', 'hono', 'nodemailer', 'pino', 'prom-client', 'zod'],
  cli: ['@clack/prompts', 'commander'],
};

const OWN = '@latchkey/';
const files = sourceFiles();
const code = files.filter(({ isTest }) => !isTest);
const inPackages = (names: readonly string[]) => code.filter(({ packageName }) => names.includes(packageName));

/** The own package that an import leads to, if it is one of ours. */
const ownPackage = (specifier: string): string | undefined =>
  specifier.startsWith(OWN) ? specifier.slice(OWN.length).split('/')[0] : undefined;

const isOutside = (specifier: string): boolean =>
  !specifier.startsWith('.') && !specifier.startsWith(OWN) && !isBuiltin(specifier);

const outsidePackage = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const offences = (among: readonly SourceFile[], isOffence: (file: SourceFile, specifier: string) => boolean) =>
  among.flatMap((file) =>
    file.imports
      .filter(({ specifier }) => isOffence(file, specifier))
      .map(({ specifier }) => `${file.path} imports ${specifier}`),
  );

test('imports are found in all of their forms', () => {
  const text = [
    "import one from 'a';",
    "import type { Two } from 'b';",
    "import {\n  three,\n  type Four,\n} from 'c';",
    "export { five } from 'd';",
    "export type * from 'e';",
    "import 'f';",
    "const six = () => import('g');",
    "const text = 'from';",
  ].join('\n');
  expect(importsOf(text).map(({ specifier, isTypeOnly }) => [specifier, isTypeOnly])).toEqual([
    ['a', false],
    ['b', true],
    ['c', false],
    ['d', false],
    ['e', true],
    ['f', false],
    ['g', false],
  ]);
});

test('every package stands in the table', () => {
  expect([...new Set(files.map(({ packageName }) => packageName))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

test('the table has no cycle', () => {
  const reaches = (from: string): readonly string[] => (MAY_IMPORT[from] ?? []).flatMap((to) => [to, ...reaches(to)]);
  expect(Object.keys(MAY_IMPORT).filter((name) => reaches(name).includes(name))).toEqual([]);
});

test('packages import only what the table allows', () => {
  const isForbidden = ({ packageName }: SourceFile, specifier: string) => {
    const target = ownPackage(specifier);
    return target !== undefined && !(MAY_IMPORT[packageName] ?? []).includes(target);
  };
  expect(offences(code, isForbidden)).toEqual([]);
});

test('relative imports stay inside their package and name the file', () => {
  const leaves = ({ path }: SourceFile, specifier: string) => {
    if (!specifier.startsWith('.')) return false;
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    return !target.startsWith(`${path.split('/').slice(0, 3).join('/')}/`) || !/\.(?:ts|json)$/.test(target);
  };
  expect(offences(files, leaves)).toEqual([]);
});

test('packages of others are used only by who wraps them', () => {
  const isForbidden = ({ packageName, path }: SourceFile, specifier: string) =>
    isOutside(specifier) &&
    packageName !== 'testkit' &&
    !path.startsWith('packages/verifier/src/adapters/') &&
    !(OUTSIDE[packageName] ?? []).includes(outsidePackage(specifier));
  expect(offences(code, isForbidden)).toEqual([]);
});

test('adapters of the verifier know only the types of their framework', () => {
  const adapters = code.filter(({ path }) => path.startsWith('packages/verifier/src/adapters/'));
  const loads = adapters.flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier, isTypeOnly }) => isOutside(specifier) && !isTypeOnly)
      .map(({ specifier }) => `${path} loads ${specifier}`),
  );
  expect(loads).toEqual([]);
});

test('protocol, domain and pages are pure: they import nothing of Node', () => {
  expect(offences(inPackages(['protocol', 'domain', 'pages']), (_, specifier) => isBuiltin(specifier))).toEqual([]);
});

test('domain reads no clock, no chance, no environment and no network', () => {
  const WORLD =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bcrypto\.|\bprocess\.|\bfetch\(|\bsetTimeout\b|\bconsole\./;
  expect(
    inPackages(['domain', 'protocol'])
      .filter(({ text }) => WORLD.test(withoutComments(text)))
      .map(({ path }) => path),
  ).toEqual([]);
});

test('decisions are synchronous: no function called decide awaits', () => {
  const asynchronous = /\basync function decide|\bdecide\w* = async\b/;
  expect(
    inPackages(['domain'])
      .filter(({ text }) => asynchronous.test(text))
      .map(({ path }) => path),
  ).toEqual([]);
});

const FOR_NODE_20 = ['protocol', 'tokens', 'verifier'];

test('what runs on Node 20 imports only modules that Node 20 has', () => {
  const modules = [
    'node:buffer',
    'node:crypto',
    'node:events',
    'node:http',
    'node:https',
    'node:os',
    'node:util',
    'node:zlib',
  ];
  const isTooNew = (_: SourceFile, specifier: string) => isBuiltin(specifier) && !modules.includes(specifier);
  expect(offences(inPackages(FOR_NODE_20), isTooNew)).toEqual([]);
});

test('what runs on Node 20 uses no API that came later', () => {
  const NEWER =
    /\bPromise\.(?:try|withResolvers)\b|\b(?:Object|Map)\.groupBy\b|\bArray\.fromAsync\b|\bRegExp\.escape\b|\bError\.isError\b|\bUint8Array\.from(?:Base64|Hex)\b|\.to(?:Base64|Hex)\(|\bimport\.meta\.main\b|\bnew (?:EventSource|WebSocket)\b|\bIterator\.from\b|\.(?:symmetricDifference|isSubsetOf|isSupersetOf|isDisjointFrom)\(|\.(?:values|keys|entries)\(\)\.(?:map|filter|some|every|find|reduce|toArray|take|drop|forEach|flatMap)\(|^\s*(?:await )?using \w/m;
  expect(
    inPackages(FOR_NODE_20)
      .filter(({ text }) => NEWER.test(withoutComments(text)))
      .map(({ path }) => path),
  ).toEqual([]);
});

test('nothing in production imports the kit for tests', () => {
  expect(
    offences(code, ({ packageName }, specifier) => packageName !== 'testkit' && ownPackage(specifier) === 'testkit'),
  ).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<=^|\s)\/\/.*$/gm, '');
}
