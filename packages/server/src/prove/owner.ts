import { onAuthorityOf } from '@latchkey/domain/administration/authority';
import { loadLogout } from '@latchkey/domain/login/logout';
import { onAuthorityOfFamily } from '@latchkey/domain/login/owner-authority';
import { familyLife } from '@latchkey/domain/tokens/liveness';
import { parseId } from '@latchkey/protocol/ids';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId, FamilyId, SessionId } from '@latchkey/protocol/types';
import { later } from '@latchkey/protocol/types';
import { readRefreshToken, seedMatcher } from '../grants/refresh.ts';
import { REFRESH_COOKIE, readCookie } from '../http/cookies.ts';
import { checkCsrf } from '../http/same-origin.ts';
import type { Call, Refusal, Server } from '../server.ts';
import { proveAccessToken } from './access-token.ts';

/** The person who asks, and from which session. */
export interface ProvedOwner {
  readonly accountId: AccountId;
  readonly sessionId: SessionId | undefined;
  readonly familyId: FamilyId;
  /** Changes state on the authority of what was proved: inside the transaction is seen whether it still holds. */
  readonly commit: Server['commit'];
}

/**
 * Proves who asks the first-party API about an account: by an access token for the server itself or, for a login that
 * delivers cookies, by the refresh cookie, which is checked and not rotated.
 *
 * @returns what `proveAccessToken` refuses; `token_of_other_party`, `csrf_refused`, and what a refresh token is refused for
 */
export async function proveOwner(call: Call, server: Server): Promise<Result<ProvedOwner, Refusal>> {
  const { headers } = call.request;
  const cookie = headers.has('authorization') ? undefined : readCookie(headers.get('cookie'), REFRESH_COOKIE);
  if (cookie !== undefined) return ownerOfCookie(cookie, call, server);
  const claims = await proveAccessToken(call, server, { audience: server.settings.issuer });
  if (!claims.ok) return claims;
  const { sub, sid, fid } = claims.value;
  const familyId = fid === undefined ? undefined : parseId('fam', fid);
  const family = familyId === undefined ? undefined : await server.store.read.family(familyId);
  if (family === undefined) return fail({ error: 'token_claims_invalid' });
  const clientId = parseId('cli', claims.value.client_id);
  const client = clientId === undefined ? undefined : await server.store.read.client(clientId);
  // a client of others may ask who the person is; what is the person's own to decide is not for it
  if (client?.firstParty !== true) return fail({ error: 'token_of_other_party', about: { subject: sub } });
  return ok({
    accountId: family.accountId,
    familyId: family.id,
    sessionId: sid === undefined ? undefined : parseId('ses', sid),
    commit(load, decide) {
      const authorised = onAuthorityOf(claims.value, load, decide);
      return server.commit(authorised.load, authorised.decide);
    },
  });
}

async function ownerOfCookie(text: string, call: Call, server: Server): Promise<Result<ProvedOwner, Refusal>> {
  const token = await readRefreshToken(text, call, server);
  if (!token.ok) return token;
  const { familyId, generation } = token.value;
  const isUnsafe = call.request.method !== 'GET' && call.request.method !== 'HEAD';
  const guarded = isUnsafe ? checkCsrf(call, familyId, server) : ok(undefined);
  if (!guarded.ok) return guarded;
  const about = { family: familyId, generation: String(generation) };
  const { now } = await server.store.read.moment();
  const facts = await loadLogout(server.store.read, { familyId, delivery: 'cookie' }, seedMatcher(token.value, server));
  const { family } = facts;
  const refresh = family?.refresh;
  if (family === undefined || refresh === undefined || !facts.seedMatches)
    return fail({ error: 'refresh_token_unknown', about });
  if (family.delivery !== 'cookie') return fail({ error: 'refresh_token_wrong_delivery', about });
  const life = familyLife(family, facts, now);
  if (life === 'ended') return fail({ error: 'refresh_token_ended', about });
  const isIdle = now >= later(refresh.lastUsedAt, refresh.idleSeconds * 1000);
  // an older generation is not looked at as theft here: only a refresh rotates, so only a refresh can tell
  if (life === 'expired' || isIdle || generation !== refresh.generation)
    return fail({ error: 'refresh_token_expired', about });
  return ok({
    accountId: family.accountId,
    sessionId: family.sessionId,
    familyId,
    commit(load, decide) {
      const authorised = onAuthorityOfFamily(familyId, load, decide);
      return server.commit(authorised.load, authorised.decide);
    },
  });
}
