import { type AdvanceCommand, type Advanced, decideAdvance, loadAdvance } from '@latchkey/domain/authorization/advance';
import type { LoginAttempt } from '@latchkey/domain/login/attempt';
import { makeId } from '@latchkey/protocol/ids';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { adminApiOf } from '../bootstrap.ts';
import { type CookieValue, cookieValueOf, loginCookie, SESSION_COOKIE } from '../http/browser-cookies.ts';
import { withCookies } from '../http/cookies.ts';
import { seeOther } from '../http/page.ts';
import { secretHash } from '../prove/secret.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';
import { answerWith } from './answer.ts';
import { assuranceOf } from './assurance.ts';

/** A login on its way, and the browser that it belongs to. */
export interface Going {
  readonly login: AdvanceCommand['login'];
  readonly said: AdvanceCommand['said'];
  readonly browser: CookieValue;
  /** The session cookie, where it is another one than the request brought: that of a sign-in just now. */
  readonly session?: CookieValue;
  readonly isKeptOnly?: boolean;
}

/** Logins that wait for a person, begun from one address: each is a row. */
const BEGUN = { burst: 120, perMinute: 120 } as const;

const CODE_PREFIX = 'lk_ac_';

/**
 * Takes a login one step on: to the page that it needs next, or to its answer at the client.
 *
 * @returns `rate_limited`, and what `decideAdvance` refuses
 */
export async function goOn(going: Going, call: Call, endpoint: Endpoint, server: Server): Promise<Answer> {
  const code = CODE_PREFIX + Buffer.from(server.entropy(32)).toString('base64url');
  const command: AdvanceCommand = {
    login: going.login,
    said: going.said,
    cookie: (going.session ?? cookieValueOf(call, SESSION_COOKIE))?.hash,
    codeHash: secretHash(code),
    familyId: makeId('fam', server.now(), server.entropy(10)),
    codeSeconds: server.settings.authorizationCodeSeconds,
    issuer: server.settings.issuer as ResourceIdentifier,
    assurance: assuranceOf(server),
    adminApi: adminApiOf(server.settings.issuer),
    isKeptOnly: going.isKeptOnly ?? false,
  };
  const room = 'begun' in going.login ? await takeRoom(command, call, server) : ok(undefined);
  if (!room.ok) return room;
  const { outcome } = await server.commit(
    (read) => loadAdvance(read, command),
    (facts, moment) => decideAdvance(facts, command, moment),
  );
  if (!outcome.ok) return fail({ error: outcome.error });
  return ok(withCookies(respond(outcome.value, code, call, endpoint, server), [loginCookie(going.browser)]));
}

/** Only a login that will wait takes of the allowance: one that is answered at once leaves nothing behind. */
async function takeRoom(command: AdvanceCommand, call: Call, server: Server): Promise<Result<undefined, Refusal>> {
  const { read } = server.store;
  const { writes } = decideAdvance(await loadAdvance(read, command), command, await read.moment());
  if (!writes.some(({ kind }) => kind === 'attempt.store')) return ok(undefined);
  const wait = await server.ephemeral.take(`authorize:${addressKey(call.address)}`, BEGUN);
  return wait > 0 ? fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } }) : ok(undefined);
}

const PAGES = { sign_in: '/signin', choose_account: '/choose-account', consent: '/consent' } as const;

/** Where a login goes on. */
export const placeOf = (path: string, { id }: Pick<LoginAttempt, 'id'>, server: Server): string =>
  `${server.settings.issuer}${path}?login=${id}`;

function respond(advanced: Advanced, code: string, call: Call, endpoint: Endpoint, server: Server): Response {
  switch (advanced.kind) {
    case 'kept':
      return seeOther(placeOf('/oauth/authorize', advanced.attempt, server));
    case 'page':
      return seeOther(placeOf(PAGES[advanced.step.kind], advanced.attempt, server));
    case 'own_page':
      return seeOther(`${server.settings.issuer}${advanced.path}`);
    case 'code':
      return answerWith({ code }, advanced.attempt.request, call, server);
    case 'error': {
      const { request } = advanced.attempt;
      return answerWith(
        { refusal: { error: advanced.error, about: { client: request.clientId } }, endpoint },
        request,
        call,
        server,
      );
    }
  }
}
