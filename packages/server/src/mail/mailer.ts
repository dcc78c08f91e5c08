/** A mail to one person: plain text, nothing that has to be opened to be read. */
export interface Mail {
  /** One address, without a name. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Hands a mail over. Resolves when the next server has taken it; a throw means that it has to be tried again. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
}
