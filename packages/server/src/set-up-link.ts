import { decideIssueSetUpLink, loadIssueSetUpLink } from '@latchkey/domain/administration/set-up-administrator';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import { adminApiOf } from './bootstrap.ts';
import { secretHash } from './prove/secret.ts';
import type { Server } from './server.ts';

/** A link that makes whoever opens it an administrator, once. It is for the terminal, and for no log. */
export interface SetUpLink {
  readonly url: string;
  readonly expiresAt: EpochMilliseconds;
}

/** Makes a link for the first administrator; where somebody is one already, only when another one is asked for. */
export async function issueSetUpLink(server: Server, isAnother: boolean): Promise<SetUpLink | undefined> {
  const secret = Buffer.from(server.entropy(32)).toString('base64url');
  const { issuer } = server.settings;
  const command = { hash: secretHash(secret), adminApi: adminApiOf(issuer), isAnother };
  const { outcome } = await server.commit(
    (read) => loadIssueSetUpLink(read, command),
    (holders, moment) => decideIssueSetUpLink(holders, command, moment),
  );
  if (!outcome.ok) throw new Error(`the link could not be made: ${outcome.error}`);
  const expiresAt = outcome.value;
  return expiresAt === undefined ? undefined : { url: `${issuer}/setup?link=${secret}`, expiresAt };
}
