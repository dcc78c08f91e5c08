import { createTransport } from 'nodemailer';
import { isLoopback } from '../read-settings.ts';
import type { Mailer } from './mailer.ts';

/** The server that takes our mail, and as whom we send it. */
export interface SmtpOptions {
  /** `smtp://` or `smtps://`, with a user where the server asks for one. */
  readonly url: string;
  readonly password: string | undefined;
  readonly from: { readonly name: string; readonly address: string };
  /** A certificate authority beside those of the system. */
  readonly ca?: string;
}

/** Waits, in milliseconds: a server that hangs costs one attempt, not the queue. */
const WAITS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000, dnsTimeout: 5_000 } as const;
const PORTS = { smtp: 587, smtps: 465 } as const;

/** One address and nothing that a mail program takes for more than one. */
const ONE_ADDRESS = /^[^\s@,;:<>()[\]"\\\p{C}]+@[^\s@,;:<>()[\]"\\\p{C}]+$/u;

/**
 * Sends mail by SMTP, encrypted unless the server is on this machine. A mail goes to exactly one address, and no part of
 * it can name files or URLs to attach.
 *
 * @spec RFC 8314 §3 (TLS for submission); RFC 3834 §5 (`Auto-Submitted`)
 */
export function createSmtpMailer({ url: text, password, from, ca }: SmtpOptions): Mailer {
  const url = new URL(text);
  const isImplicit = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const transport = createTransport({
    host,
    port: url.port === '' ? PORTS[isImplicit ? 'smtps' : 'smtp'] : Number(url.port),
    secure: isImplicit,
    requireTLS: !isImplicit && !isLoopback(host),
    ...(url.username === '' ? {} : { auth: { user: decodeURIComponent(url.username), pass: password ?? '' } }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...WAITS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text: body }) {
      if (!ONE_ADDRESS.test(to)) throw new RangeError('a mail goes to one address');
      await transport.sendMail({
        from,
        to: { name: '', address: to },
        envelope: { from: from.address, to: [to] },
        subject,
        text: body,
        headers: { 'auto-submitted': 'auto-generated', 'x-auto-response-suppress': 'All' },
      });
    },
  };
}
