import {
  type CreateAccountCommand,
  decideCreateAccount,
  loadCreateAccount,
} from '@latchkey/domain/accounts/create-account';
import {
  decideDisableAccount,
  decideEnableAccount,
  loadDisableAccount,
  loadEnableAccount,
} from '@latchkey/domain/accounts/disable-account';
import { type ParsedIdentifier, parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { decideSetPassword, loadSetPassword } from '@latchkey/domain/accounts/set-password';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import type { AccountId } from '@latchkey/protocol/types';
import { z } from 'zod';
import { hashNewPassword } from '../../prove/new-password.ts';
import type { Call, Server } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';
import { ACCOUNT_VIEW, accountView, nextOf, PAGE, pageOf } from './views.ts';

const PASSWORD = z.string().describe('At least 15 characters, and not a common one.');
const IDENTIFIERS = z
  .array(z.string())
  .min(1)
  .max(LIMITS.identifiersPerAccountMax)
  .describe('User names and e-mail addresses.');

const createAccount = adminEndpoint({
  method: 'POST',
  path: '/accounts',
  summary: 'Creates an account; without a password nobody can sign in to it yet.',
  scope: 'accounts:write',
  body: z.strictObject({ identifiers: IDENTIFIERS, password: PASSWORD.optional() }),
  success: { status: 201, schema: ACCOUNT_VIEW },
  async answer({ body, administrator, server }) {
    const identifiers = body.identifiers.map(parseIdentifier);
    if (!identifiers.every(isParsed)) return fail({ error: 'identifier_invalid' });
    const owner = { accountId: undefined, identifiers: body.identifiers };
    const phc = body.password === undefined ? ok(undefined) : await hashNewPassword(body.password, owner, server);
    if (!phc.ok) return phc;
    const id = makeId('acc', server.now(), server.entropy(10));
    const command: CreateAccountCommand = { administrator, id, identifiers, phc: phc.value };
    const { outcome } = await server.commit(
      (read) => loadCreateAccount(read, command),
      (taken, moment) => decideCreateAccount(taken, command, moment),
    );
    return outcome.ok
      ? ok(accountView(outcome.value.account, outcome.value.identifiers))
      : fail({ error: outcome.error });
  },
});

const isParsed = (identifier: ParsedIdentifier | undefined): identifier is ParsedIdentifier => identifier !== undefined;

const listAccounts = adminEndpoint({
  method: 'GET',
  path: '/accounts',
  summary: 'Lists accounts, oldest first; with `identifier`, the one that has it.',
  scope: 'accounts:read',
  query: z.strictObject({ after: z.string().optional(), identifier: z.string().optional(), ...PAGE }),
  success: { status: 200, schema: pageOf(ACCOUNT_VIEW) },
  async answer({ query: { after, identifier, limit }, server }) {
    const { read } = server.store;
    if (identifier !== undefined) {
      const parsed = parseIdentifier(identifier);
      const found = parsed === undefined ? undefined : await read.identifier(parsed.normalised);
      const view = found === undefined ? undefined : await viewOf(found.accountId, server);
      return ok({ items: view === undefined ? [] : [view] });
    }
    const from = after === undefined ? undefined : parseId('acc', after);
    if (after !== undefined && from === undefined) return fail({ error: 'field_invalid', detail: 'after is no id.' });
    const rows = await read.accounts({ after: from, limit });
    const items = await Promise.all(rows.map(async (row) => accountView(row, await read.identifiers(row.id))));
    return ok({ items, ...nextOf(rows, limit, ({ id }) => id) });
  },
});

async function viewOf(id: AccountId, { store: { read } }: Server) {
  const account = await read.account(id);
  return account === undefined ? undefined : accountView(account, await read.identifiers(id));
}

/** An account as it is now, in answer to what was done to it. */
async function answerWith(id: AccountId, server: Server) {
  const view = await viewOf(id, server);
  return view === undefined ? fail({ error: 'not_found' } as const) : ok(view);
}

const idIn = (params: Call['params']): AccountId | undefined => parseId('acc', params.id ?? '');

const getAccount = adminEndpoint({
  method: 'GET',
  path: '/accounts/:id',
  summary: 'Shows an account.',
  scope: 'accounts:read',
  success: { status: 200, schema: ACCOUNT_VIEW },
  async answer({ params, server }) {
    const id = idIn(params);
    return id === undefined ? fail({ error: 'not_found' }) : answerWith(id, server);
  },
});

const disableAccount = adminEndpoint({
  method: 'POST',
  path: '/accounts/:id/disable',
  summary: 'Disables an account: nobody signs in to it, and everything that was issued for it ends.',
  scope: 'accounts:write',
  body: z.strictObject({}),
  success: { status: 200, schema: ACCOUNT_VIEW },
  async answer({ params, administrator, adminApi, server }) {
    const id = idIn(params);
    if (id === undefined) return fail({ error: 'not_found' });
    const command = { administrator, id, adminApi };
    const { outcome } = await server.commit(
      (read, moment) => loadDisableAccount(read, command, moment),
      (facts, moment) => decideDisableAccount(facts, command, moment),
    );
    return outcome.ok ? answerWith(id, server) : fail({ error: outcome.error, about: { account: id } });
  },
});

const enableAccount = adminEndpoint({
  method: 'POST',
  path: '/accounts/:id/enable',
  summary: 'Enables an account again. What has ended stays ended.',
  scope: 'accounts:write',
  body: z.strictObject({}),
  success: { status: 200, schema: ACCOUNT_VIEW },
  async answer({ params, administrator, adminApi, server }) {
    const id = idIn(params);
    if (id === undefined) return fail({ error: 'not_found' });
    const command = { administrator, id, adminApi };
    const { outcome } = await server.commit(
      (read) => loadEnableAccount(read, command),
      (facts, moment) => decideEnableAccount(facts, command, moment),
    );
    return outcome.ok ? answerWith(id, server) : fail({ error: outcome.error, about: { account: id } });
  },
});

const setPassword = adminEndpoint({
  method: 'POST',
  path: '/accounts/:id/password',
  summary: 'Sets a new password; every session and every token of the account ends.',
  scope: 'accounts:write',
  body: z.strictObject({ password: PASSWORD }),
  success: { status: 200, schema: ACCOUNT_VIEW },
  async answer({ params, body, administrator, adminApi, server }) {
    const id = idIn(params);
    const known = id === undefined ? undefined : await viewOf(id, server);
    if (id === undefined || known === undefined) return fail({ error: 'not_found' });
    const phc = await hashNewPassword(body.password, { accountId: id, identifiers: known.identifiers }, server);
    if (!phc.ok) return phc;
    // who administers says nothing of the language of whom it is about
    const language = server.mail === undefined ? undefined : 'en';
    const command = { administrator, id, phc: phc.value, adminApi, language };
    const { outcome } = await server.commit(
      (read, moment) => loadSetPassword(read, id, moment),
      (facts, moment) => decideSetPassword(facts, command, moment),
    );
    return outcome.ok ? answerWith(id, server) : fail({ error: outcome.error, about: { account: id } });
  },
});

export const ACCOUNT_ROUTES: readonly AdminEndpoint[] = [
  createAccount,
  listAccounts,
  getAccount,
  disableAccount,
  enableAccount,
  setPassword,
];
