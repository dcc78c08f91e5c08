import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import { selfSigned } from '@latchkey/testkit/certificate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfiguration } from './load-configuration.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'latchkey-configuration-'));
  mkdirSync(join(cwd, '.latchkey'));
  write('.latchkey/kek', key());
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const key = () => randomBytes(32).toString('base64');
const write = (name: string, text: string) => writeFileSync(join(cwd, name), text, { mode: 0o600 });

type Texts = Readonly<Record<string, string>>;

const SAFE = { issuer: 'https://id.example.com', trustedProxies: '127.0.0.1' };
const load = (flags: Texts = {}, env: Texts = {}, makesKek = false) =>
  loadConfiguration({ flags: { ...SAFE, ...flags }, env, cwd, makesKek });
/** The settings that are wrong, with what is wrong about them. */
const problems = (...given: Parameters<typeof load>) => {
  const read = load(...given);
  return read.ok ? [] : read.error.map(({ setting, problem }) => `${setting}: ${problem.replaceAll(cwd, '.')}`);
};

test('a safe configuration of production mode', () => {
  expect(load()).toMatchObject({
    ok: true,
    value: { settings: { mode: 'production', data: join(cwd, 'data') }, metricsToken: undefined },
  });
});

test.each([
  ['https://id.example.com', []],
  ['https://id.example.com/auth/', []],
  ['http://localhost:8400', []],
  ['http://127.0.0.1:8400', []],
  ['http://[::1]:8400', []],
  ['http://id.example.com', ['issuer: The issuer is not https.']],
  ['http://127.0.0.1.example.com', ['issuer: The issuer is not https.']],
  ['http://10.0.0.1', ['issuer: The issuer is not https.']],
  ['ftp://localhost', ['issuer: The issuer is not https.']],
  ['https://id.example.com/?a', ['issuer: The issuer has a query, a fragment or a user.']],
  ['https://id.example.com/#a', ['issuer: The issuer has a query, a fragment or a user.']],
  ['https://admin@id.example.com', ['issuer: The issuer has a query, a fragment or a user.']],
  ['id.example.com', ['issuer: Invalid URL']],
])('META-02 RFC 8414 §2: the issuer %s', (issuer, wrong) => {
  expect(problems({ issuer })).toEqual(wrong);
});

test('an https issuer whose proxy is not named is refused: throttling would see one address for everybody', () => {
  expect(problems({ trustedProxies: '' })).toEqual([expect.stringMatching(/^trustedProxies: The proxy that ends TLS/)]);
});

test('mail: a server, an address that it comes from, and a password in a file of its own', () => {
  const mail = { smtpUrl: 'smtp://mailer@mail.example:587', mailFrom: 'no-reply@example.com' };
  write('smtp', 'the password\n');
  expect(problems(mail)).toEqual([]);
  expect(load({ ...mail, smtpPasswordFile: 'smtp' })).toMatchObject({ value: { smtpPassword: 'the password' } });
  expect(problems({ smtpUrl: mail.smtpUrl })).toEqual(['mailFrom: Mail needs an address that it comes from.']);
  expect(problems({ ...mail, smtpUrl: 'https://mail.example' })).toHaveLength(1);
  expect(problems({ ...mail, smtpUrl: 'smtp://mailer:hunter2@mail.example' })).toEqual([
    'smtpUrl: The password does not belong in the URL',
  ]);
  expect(problems({ ...mail, mailFrom: 'nobody' })).toHaveLength(1);
  expect(problems({ ...mail, smtpPasswordFile: 'missing' })).toEqual(['smtpPasswordFile: there is no file ./missing']);
  chmodSync(join(cwd, 'smtp'), 0o644);
  expect(problems({ ...mail, smtpPasswordFile: 'smtp' })[0]).toContain('can be read by others');
  chmodSync(join(cwd, 'smtp'), 0o600);
  expect(problems({ smtpPasswordFile: 'smtp' })).toHaveLength(1);
});

test.each([
  ['', []],
  ['http://127.0.0.1:3000, https://app.internal, http://[::1]', []],
  ['http://127.0.0.1:3000/', ['fetchAllow']],
  ['http://127.0.0.1:80', ['fetchAllow']],
  ['HTTP://app', ['fetchAllow']],
  ['http://me@app', ['fetchAllow']],
  ['http://app/path', ['fetchAllow']],
  ['app:3000', ['fetchAllow']],
  ['*', ['fetchAllow']],
  ['null', ['fetchAllow']],
  ['file://', ['fetchAllow']],
  [Array.from({ length: LIMITS.fetchAllowMax }, (_, n) => `http://app-${n}`).join(), []],
  [Array.from({ length: LIMITS.fetchAllowMax + 1 }, (_, n) => `http://app-${n}`).join(), ['fetchAllow']],
])('OPS-03: the origins that may be called: %s', (fetchAllow, wrong) => {
  expect(problems({ fetchAllow }).map((line) => line.split(':', 1)[0])).toEqual(wrong);
});

test('TLS in the server: its two files belong together, and a proxy need not be named then', () => {
  const { cert, key: privateKey } = selfSigned('id.example.com', Date.now());
  write('cert.pem', cert);
  write('key.pem', privateKey);
  const tls = { trustedProxies: '', tlsCert: 'cert.pem', tlsKey: 'key.pem' };
  expect(problems(tls)).toEqual([]);
  expect(load(tls)).toMatchObject({ value: { tls: { cert: join(cwd, 'cert.pem'), key: join(cwd, 'key.pem') } } });
  expect(load()).toMatchObject({ value: { tls: undefined } });
  expect(problems({ tlsCert: 'cert.pem' })).toEqual(['tlsKey: TLS needs a certificate and its key.']);
  expect(problems({ tlsKey: 'key.pem' })).toEqual(['tlsCert: TLS needs a certificate and its key.']);
  expect(problems({ ...tls, issuer: 'http://localhost:8400' })).toEqual([
    'issuer: The server speaks https, and its issuer is not https.',
  ]);
});

test('TLS in the server: files that cannot be used are told before it starts', () => {
  const [one, other] = [selfSigned('one', Date.now()), selfSigned('other', Date.now())];
  write('cert.pem', one.cert);
  write('key.pem', one.key);
  write('other.pem', other.key);
  write('text.pem', 'text');
  mkdirSync(join(cwd, 'folder'));
  const tls = { tlsCert: 'cert.pem', tlsKey: 'key.pem' };
  expect(problems({ ...tls, tlsCert: 'none.pem' })).toEqual(['tlsKey: there is no file ./none.pem']);
  expect(problems({ ...tls, tlsKey: 'folder' })).toEqual([
    'tlsKey: ./folder cannot be read by the user of this server (EISDIR)',
  ]);
  expect(problems({ ...tls, tlsCert: 'text.pem' })).toEqual(['tlsKey: ./text.pem holds no certificate in PEM']);
  for (const tlsKey of ['other.pem', 'text.pem'])
    expect(problems({ ...tls, tlsKey })).toEqual([
      `tlsKey: ./${tlsKey} holds no private key in PEM that fits the certificate in ./cert.pem`,
    ]);
  if (process.platform === 'win32') return;
  chmodSync(join(cwd, 'key.pem'), 0o644);
  expect(problems(tls)).toEqual(['tlsKey: ./key.pem can be read by others; run chmod 600 ./key.pem']);
});

test('development mode is for this machine only', () => {
  const issuer = 'http://localhost:8400';
  expect(problems({ mode: 'development', issuer })).toEqual([]);
  expect(problems({ mode: 'development', issuer, host: '0.0.0.0' })).toEqual([
    'host: Development mode listens on loopback only.',
  ]);
  expect(problems({ mode: 'development' })).toEqual(['issuer: Development mode has an issuer on loopback only.']);
});

const IN_DATA = expect.stringMatching(/^kekFile: The key-encryption key lies in the data folder/);

test('a key-encryption key in the data folder is refused, by whatever path it is named', () => {
  mkdirSync(join(cwd, 'data/deep'), { recursive: true });
  write('data/deep/kek', key());
  symlinkSync(join(cwd, 'data'), join(cwd, 'elsewhere'));
  symlinkSync(join(cwd, 'data/deep/kek'), join(cwd, 'link'));
  for (const kekFile of [
    'data/deep/kek',
    './data/../data/deep/kek',
    'elsewhere/deep/kek',
    'link',
    join(cwd, 'data/deep/kek'),
  ])
    expect(problems({ kekFile }), kekFile).toEqual([IN_DATA]);
  expect(problems({ data: join(cwd, '.latchkey') })).toEqual([IN_DATA]);
  expect(problems({ data: '.' })).toEqual([IN_DATA]);
  expect(problems({ data: '.latchkey/data' })).toEqual([]);
  expect(problems({ data: '.latch' })).toEqual([]);
});

test.each([
  ['of 31 bytes', randomBytes(31).toString('base64')],
  ['of 33 bytes', randomBytes(33).toString('base64')],
  ['that is empty', ''],
  ['of zeros', Buffer.alloc(32).toString('base64')],
  ['of one word, repeated', Buffer.from('secret!'.repeat(5).slice(0, 32)).toString('base64')],
])('a key-encryption key %s is refused, from its file and from the environment', (_, text) => {
  expect(problems({}, { LATCHKEY_KEK: text })).toEqual([
    'kekFile: LATCHKEY_KEK must be 32 random bytes in base64: openssl rand -base64 32',
  ]);
  write('.latchkey/kek', text);
  expect(problems()).toEqual([
    'kekFile: ./.latchkey/kek does not hold 32 random bytes in base64: openssl rand -base64 32',
  ]);
});

test('a key-encryption key from the environment needs no file', () => {
  rmSync(join(cwd, '.latchkey'), { recursive: true });
  expect(problems({}, { LATCHKEY_KEK: key() })).toEqual([]);
  expect(problems()).toEqual(['kekFile: there is no key-encryption key at ./.latchkey/kek; run latchkey init']);
});

test.skipIf(process.platform === 'win32').each([
  ['600', true],
  ['400', true],
  ['604', false],
  ['640', false],
  ['620', false],
  ['601', false],
])('a secret in a file of mode %s', (mode, isSafe) => {
  write('token', 'x'.repeat(32));
  for (const name of ['token', '.latchkey/kek']) chmodSync(join(cwd, name), Number.parseInt(mode, 8));
  expect(problems({ metricsTokenFile: 'token' })).toEqual(
    isSafe
      ? []
      : [
          'metricsTokenFile: ./token can be read by others; run chmod 600 ./token',
          'kekFile: ./.latchkey/kek can be read by others; run chmod 600 ./.latchkey/kek',
        ],
  );
});

test.each([
  [31, ['metricsTokenFile: the token in ./token is shorter than 32 characters: openssl rand -hex 32']],
  [32, []],
  [33, []],
])('a metrics token of %i characters', (length, wrong) => {
  write('token', `${'x'.repeat(length)}\n`);
  expect(problems({ metricsTokenFile: 'token' })).toEqual(wrong);
});

test('a metrics token that is not there', () => {
  expect(problems({ metricsTokenFile: 'token' })).toEqual(['metricsTokenFile: there is no file ./token']);
});

test('one wrong value hides nothing that is wrong about the others', () => {
  write('latchkey.config.json', JSON.stringify({ cookieIdleSeconds: 100, cookieAbsoluteSeconds: 99, nonsense: 1 }));
  expect(
    problems({ port: 'x', issuer: 'http://id.example.com', metricsTokenFile: 'token', kekFile: 'data/kek' }),
  ).toEqual([
    expect.stringMatching(/^port: /),
    'nonsense: There is no such setting.',
    'issuer: The issuer is not https.',
    'cookieIdleSeconds: It is longer than cookieAbsoluteSeconds.',
    IN_DATA,
    'metricsTokenFile: there is no file ./token',
    'kekFile: there is no key-encryption key at ./data/kek; run latchkey init',
  ]);
});

test('a key-encryption key is made only for a configuration that is right', () => {
  const kek = join(cwd, '.latchkey/kek');
  rmSync(kek);
  const development = { mode: 'development', issuer: 'http://localhost:8400' };
  expect(problems({ ...development, port: 'x' }, {}, true)).toEqual([expect.stringMatching(/^port: /)]);
  expect(existsSync(kek)).toBe(false);
  expect(problems(development, {}, true)).toEqual([]);
  expect(existsSync(kek)).toBe(true);
});

test('no problem repeats a value: it might be a secret in the wrong place', () => {
  const secret = 'lk_cs_somebody-pasted-this-here';
  const read = load({ port: secret, issuer: secret, logLevel: secret }, { LATCHKEY_KEK: secret });
  expect(read.ok).toBe(false);
  expect(JSON.stringify(read)).not.toContain(secret);
});

test('PWD-08: peppers come from a file that only its owner can read', () => {
  write('pepper', `p1 ${key()}\n`);
  expect(load({ pepperFile: 'pepper' })).toMatchObject({ ok: true, value: { peppers: [{ id: 'p1' }] } });
  write('pepper', 'p1 short\n');
  expect(problems({ pepperFile: 'pepper' })).toEqual([expect.stringContaining('pepperFile: a line')]);
});

const OBJECT = 'It must be an object of value, amr and perhaps withinSeconds, and nothing else.';
const NAME = 'It must be text of at most 200 characters, without spaces.';
const WITHIN = 'It must be a whole number from 30 to 31536000.';
const LEVELS = 'It must be a list of at most 10 levels, in JSON.';
const AMR = 'It must be a list of 1 to 10 methods.';
const level = (more: object = {}) => ({ value: 'one', amr: ['pwd'], ...more });
const levels = (count: number) => Array.from({ length: count }, (_, n) => level({ value: `level-${n}` }));

test.each<[string, unknown, readonly string[]]>([
  ['none', [], []],
  [
    'three',
    [level(), level({ value: 'two', withinSeconds: 30 }), level({ value: 'urn:x:3', amr: ['hwk', 'user'] })],
    [],
  ],
  ['one less than there may be', levels(LIMITS.acrLevelsMax - 1), []],
  ['as many as there may be', levels(LIMITS.acrLevelsMax), []],
  ['one too many', levels(LIMITS.acrLevelsMax + 1), [LEVELS]],
  ['something else', { value: 'one' }, [LEVELS]],
  ['a level that is none', ['one'], [`1: ${OBJECT}`]],
  ['a level with something else', [level(), level({ value: 'two', secret: 'x' })], [`2: ${OBJECT}`]],
  ['two of one name', [level(), level()], ['Two levels have one value.']],
  ['a name with a space', [level({ value: 'a b' })], [`1.value: ${NAME}`]],
  ['no name', [{ amr: ['pwd'] }], [`1.value: ${NAME}`]],
  ['a name as long as it may be', [level({ value: 'x'.repeat(LIMITS.acrValueMax) })], []],
  ['a longer name', [level({ value: 'x'.repeat(LIMITS.acrValueMax + 1) })], [`1.value: ${NAME}`]],
  ['no method', [level({ amr: [] })], [`1.amr: ${AMR}`]],
  ['a method that is none', [level({ amr: ['pwd', ''] })], [`1.amr.2: ${NAME}`]],
  ['as many methods as there may be', [level({ amr: Array(LIMITS.acrMethodsMax).fill('pwd') })], []],
  ['one method too many', [level({ amr: Array(LIMITS.acrMethodsMax + 1).fill('pwd') })], [`1.amr: ${AMR}`]],
  ['too short a time', [level({ withinSeconds: DURATIONS.acrWithinMin - 1 })], [`1.withinSeconds: ${WITHIN}`]],
  ['the longest time', [level({ withinSeconds: DURATIONS.acrWithinMax })], []],
  ['too long a time', [level({ withinSeconds: DURATIONS.acrWithinMax + 1 })], [`1.withinSeconds: ${WITHIN}`]],
  ['no whole seconds', [level({ withinSeconds: 60.5 })], [`1.withinSeconds: ${WITHIN}`]],
])(
  'acrLevelsMax, acrValueMax, acrMethodsMax, acrWithinMin, acrWithinMax: levels of assurance: %s',
  (_, given, wrong) => {
    const told = wrong.map((problem) => `acrLevels: ${problem}`);
    expect(problems({}, { LATCHKEY_ACR_LEVELS: JSON.stringify(given) })).toEqual(told);
    write('latchkey.config.json', JSON.stringify({ acrLevels: given }));
    expect(problems()).toEqual(told);
  },
);

test('levels of assurance that are no JSON are told as such, and not repeated', () => {
  expect(problems({ acrLevels: 'one,two' })).toEqual([`acrLevels: ${LEVELS}`]);
});

test('PWD-06: a file of breached passwords is looked at before the server starts', () => {
  writeFileSync(join(cwd, 'digests'), Buffer.alloc(20, 7));
  const breachedPasswordsFile = 'digests';
  expect(load({ breachedPasswordsFile })).toMatchObject({
    value: { settings: { breachedPasswordsFile: join(cwd, 'digests') } },
  });
  write('digests', 'password');
  expect(problems({ breachedPasswordsFile })).toEqual([
    'breachedPasswordsFile: ./digests is no file of breached passwords: its size is no multiple of 20.',
  ]);
  const read = load({ breachedPasswordsFile: 'none' });
  expect(read.ok ? [] : read.error).toEqual([
    {
      setting: 'breachedPasswordsFile',
      problem: `There is no file ${join(cwd, 'none')}.`,
      mend: 'Make it with latchkey passwords import, or leave the setting out.',
    },
  ]);
});

test('a logo and texts are looked at before the server starts, and every mistake is told', () => {
  write('logo.svg', 'no image');
  write('texts.json', JSON.stringify({ en: { 'signin.titel': 'x', 'signin.lead': 'to nobody' }, it: {} }));
  expect(problems({ pagesLogo: 'logo.svg', pagesTexts: 'texts.json' })).toEqual([
    'pagesLogo: ./logo.svg is neither SVG nor PNG.',
    'pagesTexts: en, "signin.titel": There is no such text.',
    'pagesTexts: en, "signin.lead": The place {client} is missing.',
    'pagesTexts: "it" is no language of the pages; they are en, de, fr.',
  ]);
  write('logo.svg', '<svg/>');
  write('texts.json', '{"en": {"signin.title": "Welcome"}}');
  expect(load({ pagesLogo: 'logo.svg', pagesTexts: 'texts.json' })).toMatchObject({
    value: { settings: { pagesLogo: join(cwd, 'logo.svg'), pagesTexts: join(cwd, 'texts.json') } },
  });
});

test('a claim hook is a module that is there, or a URL with a secret of its own', () => {
  const url = 'https://hooks.example.com/claims';
  write('secret', 'x'.repeat(32));
  write('short', 'x'.repeat(31));
  write('hook.js', 'export default () => ({})');
  expect(load({ claimHook: 'hook.js' })).toMatchObject({ value: { settings: { claimHook: join(cwd, 'hook.js') } } });
  expect(load({ claimHook: url, claimHookSecretFile: 'secret' })).toMatchObject({
    value: { settings: { claimHook: url }, claimHookSecret: 'x'.repeat(32) },
  });
  expect(problems({ claimHook: 'none.js' })).toEqual(['claimHook: there is no file ./none.js']);
  expect(problems({ claimHook: url })).toEqual(['claimHookSecretFile: A claim hook behind a URL needs a secret.']);
  expect(problems({ claimHook: url, claimHookSecretFile: 'short' })).toEqual([
    'claimHookSecretFile: the secret in ./short is shorter than 32 characters: openssl rand -hex 32',
  ]);
  const http = { claimHook: 'http://10.0.0.1:3000/claims', claimHookSecretFile: 'secret' };
  expect(problems(http)).toEqual(['claimHook: It is neither https nor at an origin that the server may call by http.']);
  expect(problems({ ...http, fetchAllow: 'http://10.0.0.1:3000' })).toEqual([]);
  expect(problems({ ...http, claimHook: 'https://user:secret@hooks.example.com' })).toEqual([
    'claimHook: It is a web address with a user or a fragment.',
  ]);
});
