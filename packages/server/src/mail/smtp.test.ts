import { type ReceiverOptions, type SmtpReceiver, startSmtpReceiver } from '@latchkey/testkit/smtp-receiver';
import { afterEach, expect, test } from 'vitest';
import { createSmtpMailer, type SmtpOptions } from './smtp.ts';

let receiver: SmtpReceiver | undefined;
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

const MAIL = { to: 'alice@example.com', subject: 'Grüße', text: 'A line.\n\nhttps://id.example/links/reset?one=two\n' };
const FROM = { name: 'Shop, Inc.', address: 'no-reply@example.com' };

async function start(options: ReceiverOptions, more: Partial<SmtpOptions> & { host?: string; user?: string } = {}) {
  receiver = await startSmtpReceiver(options);
  const { host = 'localhost', user, ...given } = more;
  const scheme = options.isImplicitTls === true ? 'smtps' : 'smtp';
  const url = `${scheme}://${user === undefined ? '' : `${user}@`}${host}:${receiver.port}`;
  const mailer = createSmtpMailer({ url, password: undefined, from: FROM, ca: receiver.ca, ...given });
  return { mailer, receiver };
}

test('a mail arrives as it was written, marked as one that nobody should answer', async () => {
  const { mailer, receiver: at } = await start({ isImplicitTls: true });
  await mailer.send(MAIL);
  expect(at.received).toMatchObject([
    {
      envelope: { from: FROM.address, to: [MAIL.to] },
      from: FROM.address,
      to: [MAIL.to],
      subject: MAIL.subject,
      text: MAIL.text,
      isEncrypted: true,
      user: undefined,
    },
  ]);
  expect(at.received[0]?.headers.get('auto-submitted')).toBe('auto-generated');
});

test('user and password go to the server that asks for them', async () => {
  const login = { user: 'mail@shop', password: 'p:w @1' };
  const { mailer, receiver: at } = await start({ login }, { user: 'mail%40shop', password: login.password });
  await mailer.send(MAIL);
  expect(at.received).toMatchObject([{ user: login.user, isEncrypted: true }]);
  const { mailer: wrong } = await start({ login }, { user: 'mail%40shop', password: 'secret-of-nobody' });
  await expect(wrong.send(MAIL)).rejects.toThrow();
  expect(await wrong.send(MAIL).catch((error: unknown) => String(error))).not.toContain('secret-of-nobody');
});

test('RFC 8314 §3: a server elsewhere that offers no encryption gets no mail; one on this machine does', async () => {
  const { mailer, receiver: at } = await start({ hasStartTls: false }, { host: '127.0.0.2' });
  await expect(mailer.send(MAIL)).rejects.toThrow();
  expect(at.received).toEqual([]);
  await at.close();
  const { mailer: here, receiver: near } = await start({ hasStartTls: false });
  await here.send(MAIL);
  expect(near.received).toMatchObject([{ isEncrypted: false }]);
});

test('a certificate that is not trusted, a mail that is not taken, and a server that is not there: all are told', async () => {
  const { mailer } = await start({ isImplicitTls: true }, { ca: '' });
  await expect(mailer.send(MAIL)).rejects.toThrow(/self.signed/i);
  const { mailer: other, receiver: at } = await start({ refuses: 'no room' });
  await expect(other.send(MAIL)).rejects.toThrow('no room');
  await at.close();
  await expect(other.send(MAIL)).rejects.toThrow();
});

test('attack 30: an address is one address, and no line of a mail becomes a header', async () => {
  const { mailer, receiver: at } = await start({});
  await mailer.send({ ...MAIL, to: 'a@example.com, b@example.com' }).catch(() => undefined);
  await mailer.send({ ...MAIL, to: 'a@example.com\r\nBcc: b@example.com' }).catch(() => undefined);
  await mailer.send({ ...MAIL, subject: 'one\r\nBcc: b@example.com\r\n\r\ntwo' });
  const everybody = at.received.flatMap(({ envelope }) => envelope.to);
  expect(everybody).not.toContain('b@example.com');
  expect(at.received.map(({ headers }) => headers.has('bcc'))).not.toContain(true);
});
