import { fail, ok } from '@latchkey/protocol/result';
import { json } from '../../http/headers.ts';
import { proveOwner } from '../../prove/owner.ts';
import type { Answer, Endpoint } from '../../server.ts';

/** Who is signed in. */
export const me: Endpoint = {
  method: 'GET',
  path: '/api/me',
  summary: 'The account that is signed in: its id, identifiers and roles.',
  credentials: ['access_token_issuer', 'refresh_cookie'],
  wording: 'bearer',
  cors: 'first_party',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const owner = await proveOwner(call, server);
    if (!owner.ok) return owner;
    const { accountId, sessionId } = owner.value;
    const { read } = server.store;
    const account = await read.account(accountId);
    if (account === undefined) return fail({ error: 'token_revoked' });
    const identifiers = await read.identifiers(accountId);
    const roles = await read.roles(accountId, undefined);
    return ok(
      json({
        sub: accountId,
        ...(sessionId === undefined ? {} : { sid: sessionId }),
        identifiers: identifiers.map(({ kind, display }) => ({ kind, value: display })),
        roles: roles.map(({ resource, role }) => ({ resource, role })),
        created_at: Math.floor(account.createdAt / 1000),
      }),
    );
  },
};
