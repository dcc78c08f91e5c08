import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { selfSigned } from './certificate.ts';

/** A mail as it arrived. */
export interface ReceivedMail {
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly from: string | undefined;
  readonly to: readonly (string | undefined)[];
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly headers: ReadonlyMap<string, string>;
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

export interface ReceiverOptions {
  /** From the first byte, as `smtps:` wants it; else only after STARTTLS, where that is offered. */
  readonly isImplicitTls?: boolean;
  readonly hasStartTls?: boolean;
  readonly login?: { readonly user: string; readonly password: string };
  /** Answers every mail with this instead of taking it; a test may take it back. */
  refuses?: string;
}

/** A real mail server on this machine, which keeps what it gets. */
export interface SmtpReceiver {
  readonly port: number;
  readonly ca: string;
  readonly received: readonly ReceivedMail[];
  close(): Promise<void>;
}

export async function startSmtpReceiver(options: ReceiverOptions = {}): Promise<SmtpReceiver> {
  const { isImplicitTls = false, hasStartTls = true, login } = options;
  const { cert, key } = selfSigned('localhost', Date.now());
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    secure: isImplicitTls,
    cert,
    key,
    authOptional: login === undefined,
    disabledCommands: hasStartTls ? [] : ['STARTTLS'],
    onAuth({ username, password }, _session, callback) {
      const isKnown = username === login?.user && password === login?.password;
      callback(isKnown ? null : new Error('who are you'), { user: username });
    },
    onData(stream, session, callback) {
      const chunks: Uint8Array[] = [];
      stream.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      stream.on('end', () => {
        if (options.refuses !== undefined) return callback(new Error(options.refuses));
        void PostalMime.parse(Buffer.concat(chunks)).then((mail) => {
          const { mailFrom, rcptTo } = session.envelope;
          received.push({
            envelope: {
              from: mailFrom === false ? '' : (mailFrom?.address ?? ''),
              to: rcptTo.map(({ address }) => address),
            },
            from: mail.from?.address,
            to: (mail.to ?? []).map(({ address }) => address),
            subject: mail.subject,
            text: mail.text,
            headers: new Map(mail.headers.map(({ key: name, value }) => [name, value])),
            isEncrypted: session.secure,
            user: typeof session.user === 'string' ? session.user : undefined,
          });
          callback();
        });
      });
    },
  });
  server.on('error', () => {}); // a client that does not trust the certificate goes away
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    ca: cert,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
