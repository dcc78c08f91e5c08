import { decideWithdrawConsent, loadWithdrawConsent } from '@latchkey/domain/authorization/withdraw-consent';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok } from '@latchkey/protocol/result';
import { empty, json } from '../../http/headers.ts';
import { proveOwner } from '../../prove/owner.ts';
import type { Answer, Endpoint } from '../../server.ts';

const OWN = {
  credentials: ['access_token_issuer', 'refresh_cookie'],
  wording: 'bearer',
  cors: 'first_party',
  bodyMax: 0,
} as const;

/** What one has allowed to whom. @spec ASVS 10.7.3 (AUT-18) */
export const listConsents: Endpoint = {
  ...OWN,
  method: 'GET',
  path: '/api/consents',
  summary: 'What the account that is signed in has allowed to which clients.',
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const { read } = server.store;
    const rows = await read.consents(owner.value.accountId);
    const consents = await Promise.all(
      rows.map(async ({ clientId, scope, resources, givenAt }) => ({
        client_id: clientId,
        name: (await read.client(clientId))?.name ?? clientId,
        scopes: scope,
        resources,
        given_at: Math.floor(givenAt / 1000),
      })),
    );
    return ok(json({ consents }));
  },
};

/** Takes it back. */
export const withdrawConsent: Endpoint = {
  ...OWN,
  method: 'DELETE',
  path: '/api/consents/:id',
  summary: 'Takes back what was allowed to a client; all that was issued to it for this account ends.',
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const { accountId } = owner.value;
    const clientId = parseId('cli', call.params.id ?? '');
    if (clientId === undefined) return fail({ error: 'not_found' });
    const { outcome } = await owner.value.commit(
      (read, moment) => loadWithdrawConsent(read, accountId, clientId, moment),
      (facts, moment) => decideWithdrawConsent(facts, moment),
    );
    return outcome.ok ? ok(empty()) : fail({ error: outcome.error, about: { account: accountId, client: clientId } });
  },
};
