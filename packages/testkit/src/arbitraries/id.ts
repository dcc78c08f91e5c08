import type { IdPrefix } from '@latchkey/protocol/ids';
import type { EpochMilliseconds } from '@latchkey/protocol/types';
import fc from 'fast-check';

export const idPrefix: fc.Arbitrary<IdPrefix> = fc.constantFrom('acc', 'cli', 'res', 'ses', 'fam', 'tok', 'sec', 'att');

export const idBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.constantFrom(new Uint8Array(16), new Uint8Array(16).fill(255)),
);

/** A time that an id can hold: 48 bits of milliseconds. */
export const idTime: fc.Arbitrary<EpochMilliseconds> = fc
  .oneof(fc.nat(3), fc.maxSafeNat(), fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1))
  .map((time) => (time % 2 ** 48) as EpochMilliseconds);

export const idRandom: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 10, maxLength: 10 });
