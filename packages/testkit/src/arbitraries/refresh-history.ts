import type { Client } from '@latchkey/domain/clients/client';
import type { Delivery } from '@latchkey/domain/tokens/family';
import type { ResourceIdentifier, Sha256 } from '@latchkey/protocol/types';
import fc from 'fast-check';
import { API } from '../conformance/rows.ts';

/** Where a history of refreshes takes place. */
export interface RefreshWorld {
  readonly authentication: Client['authentication'];
  readonly refreshPolicy: Client['refreshPolicy'];
  readonly overlapMilliseconds: number | undefined;
  readonly delivery: Delivery;
  readonly isOffline: boolean;
  readonly isBound: boolean;
}

export const refreshWorld: fc.Arbitrary<RefreshWorld> = fc.record({
  authentication: fc.constantFrom('none', 'none', 'client_secret_basic'),
  refreshPolicy: fc.constantFrom('rotate', 'rotate', 'rotate', 'keep'),
  overlapMilliseconds: fc.constantFrom(undefined, undefined, 0, 30_000),
  delivery: fc.constantFrom('body', 'body', 'cookie'),
  isOffline: fc.boolean(),
  isBound: fc.constantFrom(false, false, true),
});

/** A refresh token is presented. */
export interface Presentation {
  readonly kind: 'present';
  /** How many generations it lies behind the current one; ahead of it where negative. */
  readonly behind: number;
  readonly isStranger: boolean;
  readonly wrongDelivery: boolean;
  readonly proof: 'right' | 'wrong' | 'none';
  readonly attemptHash: Sha256 | undefined;
  readonly scope: string | undefined;
  readonly resources: readonly ResourceIdentifier[];
  readonly macKeyId: number;
  /** How often it is presented, all at the same time. */
  readonly times: 1 | 2 | 3;
}

export type RefreshStep =
  | Presentation
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'end'; readonly what: 'family' | 'session' | 'account' | 'client' };

/** The other resource of the family: the server itself. */
export const ISSUER = 'https://id.example' as ResourceIdentifier;
const STRANGE = 'https://strange.example' as ResourceIdentifier;

/** A value that is nearly always the first one, so that a history goes on for a while. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const presentation: fc.Arbitrary<RefreshStep> = fc.record({
  kind: fc.constant('present'),
  behind: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(0, 0, 0, 0, 1) },
    { weight: 1, arbitrary: fc.integer({ min: -2, max: 6 }) },
  ),
  isStranger: mostly(false, true),
  wrongDelivery: mostly(false, true),
  proof: mostly<Presentation['proof']>('right', 'wrong', 'none'),
  attemptHash: fc.constantFrom(undefined, 'attempt a' as Sha256, 'attempt b' as Sha256),
  scope: mostly<string | undefined>(undefined, 'read', 'write read', 'admin', 'read read', '"', ''),
  resources: mostly<readonly ResourceIdentifier[]>([], [API], [ISSUER], [STRANGE], [API, ISSUER]),
  macKeyId: fc.integer({ min: 1, max: 3 }),
  times: mostly<Presentation['times']>(1, 2, 3),
});

const wait: fc.Arbitrary<RefreshStep> = fc.record({
  kind: fc.constant('wait'),
  milliseconds: fc.oneof(
    { weight: 6, arbitrary: fc.nat(12_000) },
    { weight: 2, arbitrary: fc.constantFrom(9_999, 10_000, 29_999, 30_000) },
    { weight: 1, arbitrary: fc.integer({ min: -40_000, max: -1 }) },
    { weight: 1, arbitrary: fc.constantFrom(3_600_000, 86_400_000) },
  ),
});

const end: fc.Arbitrary<RefreshStep> = fc.record({
  kind: fc.constant('end'),
  what: fc.constantFrom('family', 'session', 'account', 'client'),
});

/** What happens to one family, in order. */
export const refreshHistory: fc.Arbitrary<readonly RefreshStep[]> = fc.array(
  fc.oneof({ weight: 20, arbitrary: presentation }, { weight: 8, arbitrary: wait }, { weight: 1, arbitrary: end }),
  { minLength: 5, maxLength: 40 },
);
