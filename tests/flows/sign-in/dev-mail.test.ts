import { LIMITS } from '@latchkey/protocol/limits';
import { startTestServer, type TestServer } from '@latchkey/testkit/test-server';
import { afterEach, expect, test } from 'vitest';

let at: TestServer;
afterEach(() => at.close());

const mail = (number: number) => ({
  to: 'alice@example.com',
  subject: `Mail <b>${number}</b>`,
  text: `First.\n\n${at.issuer}/links/one?two=3&four\n\nhttps://evil.example/ <script>`,
});

test('development mode catches its mail and shows it, as text', async () => {
  at = await startTestServer();
  expect(await (await at.fetch('/dev/mail')).text()).toContain('There is no mail yet.');
  await at.server.mail?.send(mail(1));
  const page = await (await at.fetch('/dev/mail', { headers: { 'accept-language': 'de' } })).text();
  expect(page).toContain('<h2>Mail &lt;b&gt;1&lt;/b&gt;</h2>');
  const link = `${at.issuer}/links/one?two=3&amp;four`;
  expect(page).toContain(`<a href="${link}">${link}</a>`);
  expect(page).toContain('https://evil.example/ &lt;script&gt;');
  expect(page).not.toContain('href="https://evil');
  expect(page).toContain('lang="de"');
});

test('the catcher keeps so many, and lets go of the oldest', async () => {
  at = await startTestServer();
  for (let number = 0; number <= LIMITS.caughtMailsMax; number++) await at.server.mail?.send(mail(number));
  const kept = at.server.mailbox?.mails().map(({ subject }) => subject) ?? [];
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([
    LIMITS.caughtMailsMax,
    `Mail <b>${LIMITS.caughtMailsMax}</b>`,
    'Mail <b>1</b>',
  ]);
});

test('a page of another name that resolves to this machine does not see it', async () => {
  at = await startTestServer();
  const { server, running } = at;
  const port = new URL(server.settings.issuer).port;
  const asked = new Request(`http://evil.example:${port}/dev/mail`);
  expect((await running.app.handle(asked, { remote: '127.0.0.1' })).status).toBe(404);
});

test('where mail is really sent, nothing is shown; in production without a mail server there is none', async () => {
  at = await startTestServer({ settings: { smtpUrl: 'smtp://localhost:2525', mailFrom: 'no-reply@example.com' } });
  expect([(await at.fetch('/dev/mail')).status, at.server.mail === undefined]).toEqual([404, false]);
  await at.close();
  at = await startTestServer({ settings: { mode: 'production', issuer: 'http://localhost:8400' } });
  expect([(await at.fetch('/dev/mail')).status, at.server.mail]).toEqual([404, undefined]);
});
