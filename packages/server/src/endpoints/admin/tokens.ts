import type { EndedNow } from '@latchkey/domain/administration/end-session';
import {
  decideRevokeFamily,
  decideRevokeToken,
  loadRevokeFamily,
  loadRevokeToken,
} from '@latchkey/domain/administration/revoke-token';
import type { Administrator } from '@latchkey/domain/administration/scopes';
import { isOverEverywhere } from '@latchkey/domain/tokens/revocation';
import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import { parseId } from '@latchkey/protocol/ids';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { FamilyId, TokenId } from '@latchkey/protocol/types';
import { decodeRefreshToken, REFRESH_TOKEN_PREFIX } from '@latchkey/tokens/formats/refresh-token';
import { z } from 'zod';
import { readAnyAccessToken } from '../../prove/own-token.ts';
import type { Refusal, Server } from '../../server.ts';
import { type AdminEndpoint, adminEndpoint } from './admin-endpoint.ts';

const REVOKE = z.union([
  z.strictObject({ credential: z.string().min(1).max(LIMITS.tokenMax).describe('An access or refresh token.') }),
  z.strictObject({ id: z.string().min(1).max(LIMITS.nameMax).describe('A jti (tok_…) or a token family (fam_…).') }),
]);

/** What of a token names it in the log. */
type Target =
  | { readonly kind: 'family'; readonly id: FamilyId }
  | { readonly kind: 'token'; readonly id: TokenId; readonly claims: AccessTokenClaims | undefined }
  | { readonly kind: 'expired'; readonly id: string };

const revokeToken = adminEndpoint({
  method: 'POST',
  path: '/tokens/revoke',
  summary: 'Revokes an access token, or a refresh token with its whole family, by itself or by its id.',
  scope: 'tokens:revoke',
  body: REVOKE,
  success: {
    status: 200,
    schema: z.object({ kind: z.enum(['token', 'family']), id: z.string(), result: z.enum(['ended', 'was_over']) }),
  },
  async answer({ body, administrator, server }) {
    const target = 'id' in body ? targetOfId(body.id) : await targetOfCredential(body.credential, server);
    if (target === undefined)
      return fail({
        error: 'not_found',
        detail: 'This is no token of this server, or one of which nothing is kept any more.',
      });
    if (target.kind === 'expired') return told('token', target.id, 'was_over');
    const ended = await end(target, administrator, server);
    return ended.ok ? told(target.kind, target.id, ended.value) : ended;
  },
});

const told = (kind: 'token' | 'family', id: string, result: EndedNow) => ok({ kind, id, result });

function targetOfId(text: string): Target | undefined {
  const family = parseId('fam', text);
  if (family !== undefined) return { kind: 'family', id: family };
  const token = parseId('tok', text);
  return token === undefined ? undefined : { kind: 'token', id: token, claims: undefined };
}

async function targetOfCredential(text: string, server: Server): Promise<Target | undefined> {
  if (text.startsWith(REFRESH_TOKEN_PREFIX)) {
    const { catalogue } = await server.store.read.moment();
    const token = decodeRefreshToken(text, (await server.keys.at(catalogue)).macKeyOf);
    return token.ok ? { kind: 'family', id: token.value.familyId } : undefined;
  }
  const claims = await readAnyAccessToken(text, server);
  if (!claims.ok) return undefined;
  const id = parseId('tok', claims.value.jti);
  if (id === undefined) return undefined;
  const { now } = await server.store.read.moment();
  return isOverEverywhere(claims.value, now) ? { kind: 'expired', id } : { kind: 'token', id, claims: claims.value };
}

async function end(
  target: Exclude<Target, { readonly kind: 'expired' }>,
  administrator: Administrator,
  server: Server,
): Promise<Result<EndedNow, Refusal>> {
  const { outcome } =
    target.kind === 'family'
      ? await endFamily({ administrator, id: target.id }, server)
      : await endToken({ administrator, id: target.id, claims: target.claims }, server);
  return outcome.ok ? outcome : fail({ error: outcome.error, about: { [target.kind]: target.id } });
}

const endFamily = (command: Parameters<typeof loadRevokeFamily>[1], server: Server) =>
  server.commit(
    (read) => loadRevokeFamily(read, command),
    (facts, moment) => decideRevokeFamily(facts, command, moment),
  );

const endToken = (command: Parameters<typeof loadRevokeToken>[1], server: Server) =>
  server.commit(
    (read, moment) => loadRevokeToken(read, command, moment),
    (events, moment) => decideRevokeToken(events, command, moment),
  );

export const TOKEN_ROUTES: readonly AdminEndpoint[] = [revokeToken];
