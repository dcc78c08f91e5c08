import { expect, test } from 'vitest';
import { apiKeyMadePage } from './account/api-key-made.ts';
import { apiKeysPage } from './account/api-keys.ts';
import { applicationsPage } from './account/applications.ts';
import { type IdentifierError, identifiersPage } from './account/identifiers.ts';
import { newApiKeyPage } from './account/new-api-key.ts';
import { accountPage } from './account/overview.ts';
import { NOTICES } from './account/part.ts';
import { type ChangePasswordError, passwordPage } from './account/password.ts';
import { PROFILE_FIELDS, profilePage } from './account/profile.ts';
import { sessionsPage } from './account/sessions.ts';
import { type AskedLink, askForMailPage } from './ask-for-mail.ts';
import { chooseAccountPage } from './choose-account.ts';
import { confirmLinkPage } from './confirm-link.ts';
import { confirmSignOutPage } from './confirm-sign-out.ts';
import { consentPage } from './consent.ts';
import { createAccountPage } from './create-account.ts';
import { donePage } from './done.ts';
import { errorPage } from './error.ts';
import { FORM_POST_SCRIPT, formPostPage } from './form-post.ts';
import { STYLE, styleOf, type Theme } from './layout.ts';
import { mailboxPage } from './mailbox.ts';
import en from './messages/en.json' with { type: 'json' };
import { newPasswordPage } from './new-password.ts';
import { PASSWORD_ERRORS } from './password-field.ts';
import { type SetUpError, setUpDonePage, setUpPage } from './set-up.ts';
import { signedOutPage } from './signed-out.ts';
import { type SigninError, signInPage } from './signin.ts';
import { statusPage } from './status.ts';
import { createWords, LANGUAGES, type MessageKey, type Words } from './words.ts';

type Page = (text: string, words: Words) => string;
const SET_UP_ERRORS: readonly SetUpError[] = ['username', 'taken', ...PASSWORD_ERRORS];
const ERRORS: readonly SigninError[] = ['wrong', 'throttled', 'overloaded', 'expired'];
const ASKED: readonly AskedLink[] = ['reset_password', 'register', 'sign_in'];
const themed = (name: string): Theme => ({ name, logo: `/${name}`, accent: name });

const CHANGE_ERRORS: readonly ChangePasswordError[] = ['wrong', 'throttled', 'overloaded', ...PASSWORD_ERRORS];
const IDENTIFIER_ERRORS: readonly IdentifierError[] = ['invalid', 'taken', 'limit', 'last', 'throttled'];
const partOf = (text: string) => ({ theme: themed(text), home: text, hidden: { [text]: text } });
const profileOf = (text: string) => ({
  ...partOf(text),
  values: Object.fromEntries(PROFILE_FIELDS.map((name) => [name, text])),
});
const apiKeyOf = (text: string) => ({
  id: text,
  name: text,
  isTest: false,
  resource: text,
  scope: [text],
  since: 0,
  expiresAt: 1,
  previousUntil: undefined,
});
const sessionsOf = (text: string) => [
  { id: text, isCurrent: true, userAgent: text, address: text, since: 0, lastSeen: 0, applications: [text, text] },
  { id: text, isCurrent: false, userAgent: undefined, address: undefined, since: 0, lastSeen: 0, applications: [] },
];

/** Every page, with the same text in each of its fields that takes text. */
const PAGES: Readonly<Record<string, Page>> = {
  'sign-in': (text, words) =>
    signInPage(
      {
        theme: themed(text),
        action: text,
        hidden: { [text]: text },
        username: text,
        clientName: text,
        canCancel: true,
      },
      words,
    ),
  ...Object.fromEntries(
    ERRORS.map((error): [string, Page] => [
      `sign-in after "${error}"`,
      (text, words) =>
        signInPage(
          { theme: themed(text), action: text, hidden: {}, username: text, isUsernameFixed: true, again: true, error },
          words,
        ),
    ]),
  ),
  'sign-in with other ways': (text, words) =>
    signInPage(
      {
        theme: themed(text),
        action: text,
        hidden: {},
        ways: { forgot: text, register: text, by_link: text },
      },
      words,
    ),
  ...Object.fromEntries(
    ASKED.flatMap((kind) => [
      [
        `where to send a link (${kind})`,
        (text: string, words: Words) =>
          askForMailPage(
            {
              theme: themed(text),
              kind,
              action: text,
              hidden: { [text]: text },
              typed: text,
              error: 'invalid',
              backTo: text,
            },
            words,
          ),
      ],
      [
        `where to send a link (${kind}), too often`,
        (text: string, words: Words) =>
          askForMailPage({ theme: themed(text), kind, action: text, hidden: {}, error: 'throttled' }, words),
      ],
    ]),
  ),
  mailbox: (text, words) => mailboxPage({ theme: themed(text), minutes: 10 }, words),
  'new password': (text, words) =>
    newPasswordPage({ theme: themed(text), action: text, hidden: { [text]: text }, address: text }, words),
  ...Object.fromEntries(
    PASSWORD_ERRORS.map((error): [string, Page] => [
      `new password after "${error}"`,
      (text, words) => newPasswordPage({ theme: themed(text), action: text, hidden: {}, address: text, error }, words),
    ]),
  ),
  'new account': (text, words) =>
    createAccountPage({ theme: themed(text), action: text, hidden: { [text]: text }, address: text }, words),
  ...Object.fromEntries(
    ([...PASSWORD_ERRORS, 'username_taken', 'username_invalid'] as const).map((error): [string, Page] => [
      `new account after "${error}"`,
      (text, words) =>
        createAccountPage(
          { theme: themed(text), action: text, hidden: {}, address: text, username: text, error },
          words,
        ),
    ]),
  ),
  ...Object.fromEntries(
    (['sign_in', 'verify_email'] as const).map((kind): [string, Page] => [
      `link "${kind}"`,
      (text, words) =>
        confirmLinkPage({ theme: themed(text), kind, action: text, hidden: { [text]: text }, address: text }, words),
    ]),
  ),
  ...Object.fromEntries(
    (['reset_password', 'register', 'verify_email'] as const).map((kind): [string, Page] => [
      `done "${kind}"`,
      (text, words) => donePage({ theme: themed(text), kind }, words),
    ]),
  ),
  accounts: (text, words) =>
    chooseAccountPage(
      {
        theme: themed(text),
        action: text,
        hidden: { [text]: text },
        accounts: [{ value: text, label: text }],
        clientName: text,
      },
      words,
    ),
  consent: (text, words) =>
    consentPage(
      {
        theme: themed(text),
        action: text,
        hidden: { [text]: text },
        accountLabel: text,
        clientName: text,
        clientHost: text,
        scopes: ['openid', text],
        resources: [text],
        lifetime: { kind: 'offline', days: 30 },
        isReturning: true,
      },
      words,
    ),
  form_post: (text, words) => formPostPage({ action: text, fields: { [text]: text }, theme: themed(text) }, words),
  'signed out': (text, words) => signedOutPage({ theme: themed(text), returnTo: `https://a.example/${text}` }, words),
  'sign out?': (text, words) =>
    confirmSignOutPage(
      { theme: themed(text), action: text, hidden: { [text]: text }, accountLabel: text, clientName: text },
      words,
    ),
  account: (text, words) =>
    accountPage(
      { ...partOf(text), accountLabel: text, sessions: 2, applications: 0, hasApiKeys: true, notice: 'gone' },
      words,
    ),
  sessions: (text, words) => sessionsPage({ ...partOf(text), sessions: sessionsOf(text), canEnd: true }, words),
  'sessions that cannot be ended': (text, words) =>
    sessionsPage({ ...partOf(text), sessions: sessionsOf(text), canEnd: false }, words),
  applications: (text, words) =>
    applicationsPage(
      {
        ...partOf(text),
        applications: [
          { id: text, name: text, hosts: [text], scopes: ['openid', text], resources: [text], since: 0 },
          { id: text, name: text, hosts: [], scopes: [], resources: [], since: 0 },
        ],
      },
      words,
    ),
  'API keys': (text, words) =>
    apiKeysPage(
      {
        ...partOf(text),
        keys: [apiKeyOf(text), { ...apiKeyOf(text), previousUntil: 9, isTest: true, scope: [] }],
        offers: [{ id: text, name: text }],
      },
      words,
    ),
  'no API keys': (text, words) => apiKeysPage({ ...partOf(text), keys: [], offers: [] }, words),
  'a new API key': (text, words) =>
    newApiKeyPage({ ...partOf(text), resource: { id: text, name: text }, scope: [text, 'read'] }, words),
  ...Object.fromEntries(
    (['name', 'limit'] as const).map((error): [string, Page] => [
      `a new API key, ${error}`,
      (text, words) =>
        newApiKeyPage({ ...partOf(text), resource: { id: text, name: text }, scope: [], error, name: text }, words),
    ]),
  ),
  'an API key, shown once': (text, words) =>
    apiKeyMadePage({ ...partOf(text), name: text, secret: text, previousUntil: undefined }, words),
  'an API key with a new secret': (text, words) =>
    apiKeyMadePage({ ...partOf(text), name: text, secret: text, previousUntil: 0 }, words),
  'no applications': (text, words) => applicationsPage({ ...partOf(text), applications: [] }, words),
  ...Object.fromEntries(
    [undefined, ...CHANGE_ERRORS].map((error): [string, Page] => [
      `password, ${error}`,
      (text, words) =>
        passwordPage(
          {
            ...partOf(text),
            accountLabel: text,
            hasPassword: true,
            ...(error === undefined ? {} : { error }),
          },
          words,
        ),
    ]),
  ),
  profile: (text, words) => profilePage({ ...profileOf(text), wrong: [], isPhoneVerified: true }, words),
  'profile, refused': (text, words) =>
    profilePage({ ...profileOf(text), wrong: PROFILE_FIELDS, isPhoneVerified: false }, words),
  'no password': (text, words) =>
    passwordPage({ ...partOf(text), accountLabel: text, hasPassword: false, resetUrl: '/reset' }, words),
  ...Object.fromEntries(
    [undefined, ...IDENTIFIER_ERRORS].map((error): [string, Page] => [
      `names, ${error}`,
      (text, words) =>
        identifiersPage(
          {
            ...partOf(text),
            hasMail: error === undefined,
            identifiers: [
              { value: text, display: text, kind: 'username', isVerified: false },
              { value: text, display: text, kind: 'email', isVerified: true },
            ],
            username: text,
            ...(error === undefined ? {} : { error }),
          },
          words,
        ),
    ]),
  ),
  'become an administrator': (text, words) =>
    setUpPage({ theme: themed(text), action: text, hidden: { [text]: text } }, words),
  'become an administrator, signed in': (text, words) =>
    setUpPage(
      {
        theme: themed(text),
        action: text,
        hidden: { [text]: text },
        accountLabel: text,
        username: text,
      },
      words,
    ),
  ...Object.fromEntries(
    SET_UP_ERRORS.map((error) => [
      `become an administrator, ${error}`,
      (text: string, words: Words) =>
        setUpPage({ theme: themed(text), action: text, hidden: { [text]: text }, username: text, error }, words),
    ]),
  ),
  'an administrator now': (text, words) => setUpDonePage({ theme: themed(text), accountLabel: text }, words),
  error: (text, words) =>
    errorPage({ theme: themed(text), title: text, message: text, errorId: text, code: text }, words),
  status: (text, words) => statusPage({ issuer: text, isDevelopment: true, theme: themed(text) }, words),
};
const NAMES = Object.keys(PAGES);
const EN = createWords('en');
const page = (name: string, text: string, words: Words = EN): string => PAGES[name]?.(text, words) ?? '';
/** The elements of a page with the names of their attributes: what no text may change. */
const shape = (html: string): readonly string[] =>
  [...html.replace(/<style>.*?<\/style>/s, '').matchAll(/<(\/?\w+)((?:[^>"]|"[^"]*")*)>/g)].map(
    ([, tag, attributes = '']) =>
      `${tag} ${[...attributes.matchAll(/([\w-]+)(?==|\s|$)(?:="[^"]*")?/g)].map(([, one]) => one)}`,
  );

const HOSTILE = [
  '"><svg/onload=x>',
  "'onload='x",
  '<script>alert(1)</script>',
  '</title></style></textarea>',
  '&quot;><b>',
  '<!--',
  '{client}',
];

test.each(NAMES.flatMap((name) => HOSTILE.map((text) => [name, text] as const)))(
  'HDR-02 ASVS 1.2.1: on the page "%s" every field that holds %s is text',
  (name, text) => {
    const made = page(name, text);
    expect(shape(made)).toEqual(shape(page(name, 'x')));
    if (/[<>"'&]/.test(text)) expect(made.includes(text)).toBe(false);
  },
);

const KEYS = Object.keys(en) as MessageKey[];
const said = (text: string): Words =>
  createWords('en', Object.fromEntries(KEYS.map((key) => [key, `${en[key]} ${text}`])));

test.each(NAMES.flatMap((name) => HOSTILE.slice(0, -1).map((text) => [name, text] as const)))(
  'HDR-02 ASVS 1.2.1: on the page "%s" a text of one’s own that holds %s is text',
  (name, text) => {
    const made = page(name, 'x', said(text));
    expect(shape(made)).toEqual(shape(page(name, 'x')));
    expect(made.replace(/<style>.*?<\/style>/s, '').includes(text)).toBe(false);
  },
);

test.each(NAMES)('HDR-02 ASVS 1.2.1: no CSS comes from the fields of the page "%s"', (name) => {
  const css = (text: string) => /<style>(.*?)<\/style>/s.exec(page(name, text))?.[1];
  expect(['red', '#fff}*{x:y', '</style>'].map(css)).toEqual([STYLE, STYLE, STYLE]);
});

const TURNED = '\u202Eknab\u202C\u2066\u2069\u200F\u061C\u200B\uFEFF\u0000\u0007\u2028';
/** What is read: what stands in a field is its owner's, and is sent as it stands there. */
const read = (html: string): string =>
  html.replace(/(<textarea[^>]*>)[^<]*/g, '$1').replace(/ (?:value|name|action|href|src)="[^"]*"/g, '');

test.each(NAMES.filter((name) => name !== 'status'))(
  'AUT-12 ASVS 10.7.2: nothing that turns or hides text is read on the page "%s"',
  (name) => {
    expect(read(page(name, TURNED)).match(/(?!\n)[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]]/gv)).toBeNull();
  },
);

test('AUT-12 ASVS 10.7.2: the consent page tells client, host, account, scopes, resources and lifetime', () => {
  const made = consentPage(
    {
      theme: { name: 'Acme' },
      action: '/consent',
      hidden: {},
      accountLabel: 'alice@acme.example',
      clientName: '<b>Shop\u202E',
      clientHost: 'shop.example',
      scopes: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'orders:read'],
      resources: ['https://api.example/orders'],
      lifetime: { kind: 'offline', days: 90 },
    },
    EN,
  );
  const text = made
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
  expect(text.slice(text.indexOf('&lt;b')).trim()).toBe(
    '&lt;b&gt;Shop asks for access to your account alice@acme.example . Afterwards you are sent to shop.example ' +
      'It asks to Know who you are See your name and profile See your email address See your postal address ' +
      'See your telephone number Keep access while you are not signed in orders:read ' +
      'For use at https://api.example/orders For how long For 90 days, also while you are not signed in. ' +
      'Allow only what you know and trust. You can withdraw this at any time. Allow Deny',
  );
  expect(made).toContain('<bdi>&lt;b&gt;Shop</bdi>');
  expect(made).toContain('<code><bdi>orders:read</bdi></code>');
});

test('AUT-12 ASVS 10.7.2: a client whose name shows nothing is said to have no name', () => {
  expect(page('consent', '\u202E\u200B')).toContain('<bdi>(no name)</bdi> asks for access');
});

test('what a form carries is sent as it came, whatever it holds', () => {
  expect(formPostPage({ action: 'https://a/cb', fields: { state: '\u202E&"' } }, EN)).toContain(
    '<form method="post" action="https://a/cb"><input type="hidden" name="state" value="\u202E&amp;&quot;">',
  );
});

test.each(NAMES)(
  'the page "%s" has a script only where a response is posted, and never a style or a handler of its own',
  (name) => {
    const made = page(name, 'x');
    const script = `<script>${FORM_POST_SCRIPT}</script>`;
    expect(made.replace(name === 'form_post' ? script : '', '')).not.toMatch(/<script/i);
    expect(made).not.toMatch(/\s(?:style|on\w+)=/i);
  },
);

test.each(NAMES)('on the page "%s" every field has a label, every button a text, every image an alt', (name) => {
  const made = page(name, 'x');
  const ids = [...made.matchAll(/<input(?! type="hidden")[^>]*>/g)].map(([tag]) => /\sid="(\w+)"/.exec(tag)?.[1]);
  expect(ids.filter((id) => id === undefined || !made.includes(`<label for="${id}">`))).toEqual([]);
  expect(made).not.toMatch(/<button[^>]*>\s*<\/button>/);
  expect([...made.matchAll(/<img(?![^>]* alt=)/g)]).toEqual([]);
  expect([...made.matchAll(/<h1>/g)]).toHaveLength(1);
});

test.each(NAMES.flatMap((name) => LANGUAGES.map((language) => [name, language] as const)))(
  'the page "%s" says that it is in %s',
  (name, language) => {
    expect(page(name, 'x', createWords(language))).toContain(`<html lang="${language}">`);
  },
);

test('a wrong password is told at both fields, and nothing else is', () => {
  const marks = (error: SigninError) => {
    const made = signInPage({ theme: { name: 'Acme' }, action: '/', hidden: {}, username: 'alice', error }, EN);
    return [...made.matchAll(/<input[^>]* name="(\w+)"[^>]*aria-invalid="true" aria-describedby="error"/g)].map(
      ([, one]) => one,
    );
  };
  expect(ERRORS.map(marks)).toEqual([['username', 'password'], [], [], []]);
});

test('every error of signing in is an alert, and the password field is always empty', () => {
  for (const error of ERRORS) {
    const made = page(`sign-in after "${error}"`, 'x');
    expect(made).toContain(`<p role="alert" id="error">${EN(`signin.error.${error}`)}</p>`);
    expect(/<input id="password"[^>]*>/.exec(made)?.[0]).not.toMatch(/\svalue=/);
  }
});

test('Cancel is there where it leads somewhere, comes after the main button, and asks for no field', () => {
  const model = { theme: { name: 'Acme' }, action: '/', hidden: {} };
  expect(signInPage(model, EN)).not.toContain('name="cancel"');
  expect(signInPage({ ...model, canCancel: true }, EN)).toMatch(
    /<button class="main" type="submit">Sign in<\/button><button type="submit" name="cancel" value="1" formnovalidate>/,
  );
});

test.each([
  ['https://a.example/done', true],
  ['/done', true],
  ['com.example.app:/done', true],
  ['javascript:alert(1)', false],
  ['data:text/html,x', false],
  ['//evil.example', false],
  ['/\\evil.example', false],
  ['\tjavascript:alert(1)', false],
  ['https:evil', false],
])('after signing out %s may be gone on to: %s', (returnTo, isShown) => {
  expect(signedOutPage({ theme: { name: 'Acme' }, returnTo }, EN).includes('href=')).toBe(isShown);
});

test.each([
  ['https://a.example/logo.svg', true],
  ['/logo.png', true],
  ['http://a.example/logo.svg', false],
  ['//a.example/logo.svg', false],
  ['/\\a.example', false],
  ['data:image/png;base64,x', false],
  ['javascript:x', false],
])('a logo at %s is shown: %s', (logo, isShown) => {
  const made = signedOutPage({ theme: { name: 'Acme', logo } }, EN);
  expect(made.includes(`<img src="${logo}" alt="">`)).toBe(isShown);
  expect(made.includes('<img')).toBe(isShown);
});

test.each([
  ['#FFFFFF', ':root{--accent:#ffffff;--on-accent:#000}'],
  ['#0a5c36', ':root{--accent:#0a5c36;--on-accent:#fff}'],
  ['#fff', ''],
  ['#12345g', ''],
  ['#123456;x', ''],
  ['red', ''],
  ['', ''],
])('the accent %s becomes the style "%s"', (accent, style) => {
  expect(styleOf({ name: 'Acme', accent })).toBe(STYLE + style);
});

test('SES-06: a session that cannot be ended now has no button, and neither has the one that asks', () => {
  const model = { theme: { name: 'Acme' }, home: '/account', hidden: {}, sessions: sessionsOf('x') };
  const buttons = (canEnd: boolean) =>
    [...sessionsPage({ ...model, canEnd }, EN).matchAll(/name="end" value="([^"]*)"/g)].map(([, value]) => value);
  expect(buttons(true)).toEqual(['x', 'others', 'all']);
  expect(buttons(false)).toEqual([]);
  expect(sessionsPage({ ...model, canEnd: false }, EN)).toContain('href="/account/sessions?confirm=1"');
});

test('the last name has no button', () => {
  const [one] = [{ value: 'ada', display: 'Ada', kind: 'username', isVerified: false } as const];
  const made = identifiersPage({ ...partOf('x'), hasMail: true, identifiers: [one] }, EN);
  expect([made.includes('Ada'), made.includes('name="remove"')]).toEqual([true, false]);
});

test('an address that is not verified has a button for it, where mail can be sent', () => {
  const rows = [
    { value: 'ada', display: 'Ada', kind: 'username', isVerified: false },
    { value: 'a@x.example', display: 'a@x.example', kind: 'email', isVerified: false },
    { value: 'b@x.example', display: 'b@x.example', kind: 'email', isVerified: true },
  ] as const;
  const buttons = (hasMail: boolean) =>
    [
      ...identifiersPage({ ...partOf('x'), hasMail, identifiers: rows }, EN).matchAll(/name="verify" value="([^"]*)"/g),
    ].map(([, value]) => value);
  expect([buttons(true), buttons(false)]).toEqual([['a@x.example'], []]);
});

test.each(NOTICES)('the notice "%s" is told as a status', (notice) => {
  const made = applicationsPage({ ...partOf('x'), applications: [], notice }, EN);
  expect(made).toContain(`<p role="status">${EN(`account.notice.${notice}`)}</p>`);
});

test('PWD-15 ASVS 6.2.7: programs that keep passwords find the fields of a change', () => {
  const fields = [
    ...page('password, undefined', 'ada').matchAll(/<input id="\w+" name="(\w+)"[^>]*autocomplete="([\w-]+)"/g),
  ];
  expect(fields.map(([, name, autocomplete]) => [name, autocomplete])).toEqual([
    ['username', 'username'],
    ['current_password', 'current-password'],
    ['new_password', 'new-password'],
  ]);
});

test.each(NAMES.filter((name) => name.startsWith('new ')))(
  'PWD-15 ASVS 6.2.7: on the page "%s" a manager of passwords knows which field is new, and no password comes back',
  (name) => {
    const field = /<input id="password"[^>]*>/.exec(page(name, 'x'))?.[0] ?? '';
    expect(field).toContain('type="password" autocomplete="new-password"');
    expect(field).not.toMatch(/\svalue=/);
    const [, described = ''] = /aria-describedby="([^"]*)"/.exec(field) ?? [];
    for (const id of described.split(' ')) expect(page(name, 'x')).toContain(`id="${id}"`);
  },
);

test('what is wrong with a name is told at the name, and what is wrong with a password at the password', () => {
  const marked = (name: string) =>
    [...page(name, 'x').matchAll(/<input id="(\w+)"[^>]*aria-invalid="true"/g)].map(([, id]) => id);
  expect([
    marked('new account after "username_taken"'),
    marked('new account after "password_too_short"'),
    marked('new password after "password_too_short"'),
    marked('where to send a link (register)'),
    marked('where to send a link (register), too often'),
  ]).toEqual([['username'], ['password'], ['password'], ['identifier'], []]);
});
