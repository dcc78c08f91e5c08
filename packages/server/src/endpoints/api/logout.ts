import { decideLogout, loadLogout } from '@latchkey/domain/login/logout';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { z } from 'zod';
import { seedMatcher } from '../../grants/refresh.ts';
import { clearedCookies, withCookies } from '../../http/cookies.ts';
import { empty } from '../../http/headers.ts';
import type { Answer, Endpoint } from '../../server.ts';
import { readFields, text } from './fields.ts';
import { presentedRefreshToken } from './presented.ts';

const LOGOUT = z.object({ refresh_token: text(LIMITS.bodyBytesMax).optional() });

/** Ends the session of a refresh token. One that has ended already is as good as ended. */
export const logout: Endpoint = {
  method: 'POST',
  path: '/api/logout',
  summary: 'Ends the session of a refresh token or its cookie, and all tokens of it.',
  credentials: ['refresh_token', 'refresh_cookie'],
  wording: 'oauth',
  cors: 'first_party',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const asked = await readFields(call, logout.bodyMax, LOGOUT);
    if (!asked.ok) return asked;
    const presented = await presentedRefreshToken(asked.value.refresh_token, call, server);
    if (!presented.ok) return presented;
    const { token, delivery } = presented.value;
    const command = { familyId: token.familyId, delivery };
    const { outcome } = await server.commit(
      (read) => loadLogout(read, command, seedMatcher(token, server)),
      (facts, moment) => decideLogout(facts, command, moment),
    );
    if (!outcome.ok) return fail({ error: outcome.error });
    return ok(delivery === 'cookie' ? withCookies(empty(), clearedCookies()) : empty());
  },
};
