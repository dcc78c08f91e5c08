import type { Timers } from '@latchkey/protocol/timers';
import type { CaughtMail } from '@latchkey/server/mail/mailbox';
import { deliverOutbox } from '@latchkey/server/outbox/worker';
import { systemParts } from '@latchkey/server/system';
import type { TestServer } from './test-server.ts';

/** Timers under which nothing is done in the background: a test delivers mail itself, and knows when it has come. */
export const withoutJobs = (): Timers => ({ ...systemParts().timers, inBackground: () => () => undefined });

/** Delivers what waits, and gives back the mails that came of it, the newest first. */
export async function post({ server }: Pick<TestServer, 'server'>): Promise<readonly CaughtMail[]> {
  const before = new Set(server.mailbox?.mails());
  await deliverOutbox(server);
  return (server.mailbox?.mails() ?? []).filter((mail) => !before.has(mail));
}

/** The link in a mail: its path and query, as a browser opens it. */
export function linkIn(mail: CaughtMail | undefined): string {
  const url = /^https?:\S+\/links\/\S+$/m.exec(mail?.text ?? '')?.[0];
  if (url === undefined) throw new Error(`there is no link in ${JSON.stringify(mail)}`);
  return url;
}
