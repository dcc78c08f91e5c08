import { startSmtpReceiver } from '@latchkey/testkit/smtp-receiver';
import { expect, test } from 'vitest';
import { withPause } from './pause.ts';
import { createSmtpMailer } from './smtp.ts';

const MAIL = { to: 'alice@example.com', subject: 'Hello', text: 'Hello.\n' };
const FROM = { name: 'Shop', address: 'no-reply@example.com' };
const failure = (sent: Promise<void>) => sent.then(() => 'sent').catch((error: Error) => error.name);

test('a mail server that could not be reached is left alone for ten seconds, and then asked again', async () => {
  const receiver = await startSmtpReceiver({ isImplicitTls: true });
  let now = 0;
  const mailer = withPause(
    createSmtpMailer({ url: `smtps://localhost:${receiver.port}`, password: undefined, from: FROM, ca: receiver.ca }),
    () => now,
  );
  expect(await failure(mailer.send(MAIL))).toBe('sent');
  await receiver.close();
  expect(await failure(mailer.send(MAIL))).toBe('Error');
  now = 9_999;
  expect(await failure(mailer.send(MAIL))).toBe('MailServerPaused');
  now = 10_000;
  expect(await failure(mailer.send(MAIL))).toBe('Error');
});

test('a mail that is not taken says nothing of the server: the next one is sent', async () => {
  const receiver = await startSmtpReceiver({ refuses: 'no room' });
  const mailer = withPause(
    createSmtpMailer({ url: `smtp://localhost:${receiver.port}`, password: undefined, from: FROM, ca: receiver.ca }),
    () => 0,
  );
  for (let mails = 0; mails < 2; mails++) expect(await failure(mailer.send(MAIL))).toBe('Error');
  await receiver.close();
});
