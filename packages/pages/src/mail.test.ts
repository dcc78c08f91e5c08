import { expect, test } from 'vitest';
import { type LinkMailKind, linkMail, type NoticeMailKind, noticeMail } from './mail.ts';
import { createWords, LANGUAGES } from './words.ts';

const LINKS: readonly LinkMailKind[] = ['reset_password', 'register', 'sign_in', 'verify_email'];
const NOTICES: readonly NoticeMailKind[] = ['account_exists', 'password_changed', 'email_added'];
const PLACE = { name: 'Acme', issuer: 'https://id.acme.example/auth' };
const link = 'https://id.acme.example/auth/links/reset?link_secret=x';
const resetUrl = 'https://id.acme.example/auth/reset';

const mails = LANGUAGES.flatMap((language) => {
  const words = createWords(language);
  return [
    ...LINKS.map((kind) => [language, kind, linkMail({ kind, ...PLACE, link, minutes: 10 }, words), link] as const),
    ...NOTICES.map((kind) => [language, kind, noticeMail({ kind, ...PLACE, resetUrl }, words), resetUrl] as const),
  ];
});

test.each(mails)('in %s the mail "%s" says who asks, and its link stands on a line of its own', (_, __, mail, url) => {
  expect(mail.subject).toContain('Acme');
  const lines = mail.text.split('\n');
  expect(lines.filter((line) => line.includes('https://'))).toEqual([url]);
  expect(lines.slice(-3)).toEqual(['Acme', 'id.acme.example', '']);
  expect(mail.text).toContain('Acme (id.acme.example)');
  expect(mail.text).not.toMatch(/[{}<>]/);
});

test.each(mails.filter(([, kind]) => LINKS.some((one) => one === kind)))(
  'NUM-14: in %s the mail "%s" says for how long its link is good',
  (_, __, { text }) => {
    expect(text).toMatch(/\b10 [Mm]inute/);
  },
);

test('attack 8.30: a name of several lines makes no second header', () => {
  const mail = linkMail(
    { kind: 'register', ...PLACE, name: 'Acme\r\nBcc: eve@evil.example', link, minutes: 10 },
    createWords('en'),
  );
  expect(mail.subject).toBe('Confirm your address for Acme Bcc: eve@evil.example');
});
