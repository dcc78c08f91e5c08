import type { AccessTokenClaims, Actor } from '@latchkey/protocol/claims';
import { formatPosition } from '@latchkey/protocol/position';
import { formatScope } from '@latchkey/protocol/scope';
import type { EpochSeconds } from '@latchkey/protocol/types';
import fc from 'fast-check';
import { position } from './position.ts';
import { scope } from './scope.ts';
import { hostileText } from './text.ts';

const text = hostileText.map((some) => some.toWellFormed().slice(0, 60));
const time = (now: number) => fc.integer({ min: now - 1_000, max: now }).map((at) => at as EpochSeconds);
const optional = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined });

const actor: fc.Arbitrary<Actor> = fc
  .tuple(text, text)
  .map(([sub, other]) => ({ sub, client_id: other, act: { sub: other } }));

/** Claims that a verifier of this issuer and audience takes at this time, with whatever texts the rest may hold. */
export const accessTokenClaims = (iss: string, aud: string, now: EpochSeconds): fc.Arbitrary<AccessTokenClaims> =>
  fc
    .record({
      iss: fc.constant(iss),
      sub: text,
      aud: fc.oneof(
        fc.constant(aud),
        fc.array(text, { maxLength: 3 }).map((others) => [...others, aud]),
      ),
      client_id: text,
      jti: text,
      iat: time(now),
      exp: fc.integer({ min: now + 1, max: now + 3_600 }).map((at) => at as EpochSeconds),
      nbf: optional(time(now)),
      scope: optional(scope.map((names) => formatScope(names.slice(0, 5)))),
      pos: optional(position.map(formatPosition)),
      sid: optional(text),
      fid: optional(text),
      auth_time: optional(time(now)),
      acr: optional(text),
      amr: optional(fc.array(text, { maxLength: 3 })),
      roles: optional(fc.array(text, { maxLength: 3 })),
      org_id: optional(text),
      cnf: optional(fc.record({ jkt: text })),
      act: optional(actor),
      custom: optional(fc.jsonValue({ maxDepth: 2 })),
    })
    .map((claims) => JSON.parse(JSON.stringify(claims)));
