import type { AccessTokenClaims } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { EpochSeconds } from '@latchkey/protocol/types';
import { checkAccessTokenClaims, type Expected, validFrom } from '@latchkey/tokens/formats/access-token-jwt';
import type { JsonObject } from '@latchkey/tokens/formats/strict-json';
import type { Access } from '../access.ts';
import type { CredentialKind } from '../credential.ts';
import type { Freshness } from '../freshness.ts';
import type { Said } from '../introspection.ts';
import type { Known } from '../known.ts';
import type { Config } from '../options.ts';
import { revocableOf } from '../revocation-set.ts';
import type { CachedToken } from '../token-cache.ts';

/** What one kind of introspected credential has of its own. */
export interface IntrospectedRules {
  /** What is wrong with a text, as far as the text tells: then nobody is asked. */
  refusal(text: string): ErrorId | undefined;
  /** Makes the access of an answer whose claims hold. */
  accessOf(claims: AccessTokenClaims, answer: JsonObject, text: string): Result<Access, ErrorId>;
  readonly form?: Readonly<Record<string, string>>;
  /** True to ask the server at each request. */
  readonly isStrict?: boolean;
}

/** An answer is believed for so long while the feed is current, and while it is not. @spec INT-10 */
const KEPT_FRESH = 600_000;
const KEPT_STALE = 60_000;
/** An answer that a change has overtaken is asked for once more; a second one is the end of it. */
const TRIES = 2;

/**
 * What the server must be asked about: once, and from then on an answer that is kept decides, with what is known of
 * revocations. It is kept by the text itself, as tokens are that are verified here: a hash of it would cost four times as much
 * as everything else that a request costs, and hide nothing that the request itself does not hold.
 *
 * @spec RFC 7662 §2.2, §4
 */
export function createIntrospectedKind(
  config: Config,
  known: Known,
  freshness: Freshness,
  rules: IntrospectedRules,
): CredentialKind {
  const { keys, revocations, cache, introspector, refusedAnswers } = known;
  const { now, monotonic, issuer, audience, leewaySeconds, onStale } = config;
  const expected: Expected = { issuer, audience, leewaySeconds, typ: 'at+jwt' };
  const seconds = () => Math.floor(now() / 1000) as EpochSeconds;

  /** What a kept answer says now; undefined when the server must be asked. */
  function look(text: string): Result<Access, ErrorId> | undefined {
    const hit = cache.answer(text);
    if (hit === undefined) {
      const refused = refusedAnswers.get(text);
      return refused === undefined ? undefined : fail(refused);
    }
    const age = monotonic() - hit.askedAt;
    const isRevoked = revocations.isRevoked(hit.revocable);
    if (isRevoked && revocations.isEnded(hit.revocable)) return fail('token_revoked');
    // an account that was cut off may have a key that lives, and whose answer is newer now: the server knows
    if (isRevoked || age >= KEPT_FRESH || revocations.isOutdated(hit.revocable, hit.askedAt)) {
      cache.delete(text);
      return undefined;
    }
    const moment = seconds();
    if (moment >= hit.notAfter) return fail('token_expired');
    if (moment < hit.notBefore) return fail('token_not_yet_valid');
    return whenKept(hit.access, age);
  }

  function whenKept(access: Access, age: number): Result<Access, ErrorId> | undefined {
    if (freshness.staleFor() <= 0) return ok(access);
    if (onStale === 'reject') return fail('verifier_stale');
    if (age >= KEPT_STALE) return undefined;
    if (onStale === 'introspect') return ok(access);
    const accepted = freshness.decide(access);
    return accepted?.ok === true ? accepted : undefined; // the server may know more
  }

  async function ask(text: string): Promise<Result<Access, ErrorId>> {
    if (keys.introspectionEndpoint === undefined) await keys.ready().catch(() => {});
    const endpoint = keys.introspectionEndpoint;
    if (endpoint === undefined) return fail('introspection_unavailable');
    for (let tries = 1; ; tries++) {
      const said = await introspector.ask(text, {
        endpoint,
        ...(rules.form === undefined ? {} : { form: rules.form }),
        isOwn: rules.isStrict === true,
      });
      if (!said.ok) return said;
      const verified = verifiedOf(said.value, text);
      if (!verified.ok) return refuse(text, verified.error);
      const entry = verified.value;
      // what happened while it was on its way counts as if it had been here
      if (revocations.isRevoked(entry.revocable)) return refuse(text, 'token_revoked');
      if (!revocations.isOutdated(entry.revocable, said.value.askedAt)) {
        if (rules.isStrict !== true) cache.set(entry);
        return ok(entry.access);
      }
      if (tries === TRIES) return fail('introspection_unavailable');
    }
  }

  function verifiedOf({ answer, askedAt }: Said, text: string): Result<CachedToken, ErrorId> {
    if (!answer.active) return fail('token_inactive');
    const { active: _, token_type: __, terms: ___, ...said } = answer;
    const claims = checkAccessTokenClaims(said, expected, seconds());
    if (!claims.ok) return claims;
    if (claims.value.cnf !== undefined) return fail('token_sender_unproved'); // whoever holds it must prove the key
    const access = rules.accessOf(claims.value, answer, text);
    if (!access.ok) return access;
    const { exp } = claims.value;
    return ok({
      token: text,
      access: access.value,
      revocable: revocableOf(claims.value, ''),
      notAfter: exp + leewaySeconds,
      notBefore: validFrom(claims.value, leewaySeconds),
      askedAt,
    });
  }

  function refuse(text: string, error: ErrorId): Result<never, ErrorId> {
    if (rules.isStrict !== true) refusedAnswers.set(text, error);
    return fail(error);
  }

  /** What needs no question: the form of the text, the credentials of ours, the policy. */
  function refusalOf(text: string): ErrorId | undefined {
    const refused = rules.refusal(text);
    if (refused !== undefined) return refused;
    if (config.basic === undefined) return 'introspection_unconfigured';
    return onStale === 'reject' && freshness.staleFor() > 0 ? 'verifier_stale' : undefined;
  }

  return {
    now(text) {
      const kept = rules.isStrict === true ? undefined : look(text); // first: what is kept has its form
      if (kept !== undefined) return kept;
      const refusal = refusalOf(text);
      return refusal === undefined ? undefined : fail(refusal);
    },
    later: (text) => ask(text),
  };
}
