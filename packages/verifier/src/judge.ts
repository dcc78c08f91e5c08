import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, type Result } from '@latchkey/protocol/result';
import type { Access } from './access.ts';
import { type CredentialForm, type CredentialKind, formOf } from './credential.ts';
import { createApiKeyKind } from './credentials/api-key.ts';
import { createIntrospectedKind } from './credentials/introspected.ts';
import { createJwtKind } from './credentials/jwt.ts';
import { opaqueRules } from './credentials/opaque.ts';
import { createFreshness } from './freshness.ts';
import type { Known } from './known.ts';
import type { Config } from './options.ts';

export interface Judge {
  /** Decides by what is here; undefined when something must be fetched first. */
  now(token: string): Result<Access, ErrorId> | undefined;
  later(token: string): Promise<Result<Access, ErrorId>>;
  isStale(): boolean;
}

/** Decides about credentials by what is known: each by the rules of its kind, which its form tells. */
export function createJudge(config: Config, known: Known): Judge {
  const freshness = createFreshness(config, known);
  const jwt = createJwtKind(config, known, freshness);
  const kinds: Readonly<Record<CredentialForm, CredentialKind>> = {
    jwt,
    opaque: createIntrospectedKind(config, known, freshness, opaqueRules),
    api_key: createApiKeyKind(config, known, freshness),
  };

  return {
    now(token) {
      if (typeof token !== 'string') return fail('token_malformed'); // callers without types
      if (token.length > LIMITS.tokenMax) return fail('token_too_large');
      return kinds[formOf(token)].now(token);
    },
    later: (token) => kinds[formOf(token)].later(token),
    isStale: () => freshness.staleFor() > 0,
  };
}
