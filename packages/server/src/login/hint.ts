import type { Client } from '@latchkey/domain/clients/client';
import { parseId } from '@latchkey/protocol/ids';
import type { Server } from '../server.ts';

/** Whom a client means by the `sub` that it was told: in a sector that is another name than the account's. */
export const accountOfHint = async (
  subject: string,
  { sector }: Pick<Client, 'sector'>,
  server: Server,
): Promise<string | undefined> =>
  sector === undefined ? subject : server.store.read.accountOfSubject(sector, subject);

/** Which session it means by `sid`. One that nobody knows any more is none. */
export async function sessionOfHint(
  sid: string,
  { sector }: Pick<Client, 'sector'>,
  server: Server,
): Promise<string | undefined> {
  if (sector === undefined) return sid;
  const familyId = parseId('fam', sid);
  return familyId === undefined ? undefined : (await server.store.read.family(familyId))?.beganIn;
}
