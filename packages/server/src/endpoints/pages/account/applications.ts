import type { Consent } from '@latchkey/domain/authorization/consent';
import { decideWithdrawConsent, loadWithdrawConsent } from '@latchkey/domain/authorization/withdraw-consent';
import type { Client } from '@latchkey/domain/clients/client';
import { type ApplicationRow, applicationsPage } from '@latchkey/pages/account/applications';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';
import { wordsFor } from '../../../http/page.ts';
import type { Answer, Server } from '../../../server.ts';
import { hostOf, namesOf } from '../consent.ts';
import { accountForm, accountPage, accountResponse, doneAt, partOf } from './account-endpoint.ts';

const PATH = '/account/applications';

/** What a person allowed, and to whom. */
interface Connected {
  readonly consent: Consent;
  readonly client: Client;
}

/** What a person allowed to clients that there still are. */
export async function connectedClients(account: AccountId, { store }: Server): Promise<readonly Connected[]> {
  const consents = await store.read.consents(account);
  const rows = await Promise.all(
    consents.map(async (consent) => ({ consent, client: await store.read.client(consent.clientId) })),
  );
  return rows.filter((row): row is Connected => row.client !== undefined && row.client.deletedAt === undefined);
}

/** What one has allowed to whom. */
export const accountApplications = accountPage({
  path: PATH,
  summary: 'The page that says what the signed-in person has allowed to which clients.',
  needs: 'any_session',
  async answer(person, call, server): Promise<Answer> {
    const connected = await connectedClients(person.session.accountId, server);
    const applications = await Promise.all(connected.map((one) => rowOf(one, server)));
    const html = applicationsPage({ ...partOf(person, call, server), applications }, wordsFor(call.request, server));
    return ok(accountResponse(html, server));
  },
});

const rowOf = async ({ consent, client }: Connected, server: Server): Promise<ApplicationRow> => ({
  id: client.id,
  name: client.name,
  hosts: [...new Set(client.redirectUris.map(hostOf))],
  scopes: consent.scope,
  resources: await namesOf(consent.resources, server),
  since: consent.givenAt,
});

/** Takes it back. @spec ASVS 10.7.3 (AUT-18) */
export const withdrawAccountApplication = accountForm({
  path: PATH,
  page: PATH,
  summary: 'Takes back what the signed-in person has allowed to a client.',
  needs: 'any_session',
  async answer(form, person, _, server): Promise<Answer> {
    const clientId = parseId('cli', form.get('client') ?? '');
    if (clientId === undefined) return doneAt(PATH, 'gone', server);
    const { outcome } = await person.commit(
      (read, moment) => loadWithdrawConsent(read, person.session.accountId, clientId, moment),
      (facts, moment) => decideWithdrawConsent(facts, moment),
    );
    if (outcome.ok) return doneAt(PATH, 'withdrawn', server);
    return outcome.error === 'not_found' ? doneAt(PATH, 'gone', server) : fail({ error: outcome.error });
  },
});
