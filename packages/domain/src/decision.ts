import type { ErrorId } from '@latchkey/protocol/errors';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { RowVersion } from './row-version.ts';
import type { Write } from './write.ts';

/**
 * What a decision says: its outcome, the rows it relied on, and the changes it wants.
 * A refusal can carry writes too (a reused refresh token ends its family), so an error is never a throw.
 */
export interface Decision<T> {
  readonly outcome: Result<T, ErrorId>;
  /** Row versions that must still hold when this commits; what was proved before the transaction is among them. */
  readonly expects: readonly RowVersion[];
  readonly writes: readonly Write[];
  /** One sentence beside the catalogue's for whoever is refused: which field, which limit. Never a value. */
  readonly detail?: string;
}

export const allow = <T>(
  value: T,
  writes: readonly Write[] = [],
  expects: readonly RowVersion[] = [],
): Decision<T> => ({ outcome: ok(value), expects, writes });

export const refuse = (
  error: ErrorId,
  writes: readonly Write[] = [],
  expects: readonly RowVersion[] = [],
): Decision<never> => ({ outcome: fail(error), expects, writes });

/** A refusal that says where: it writes nothing. */
export const refuseWith = ({
  error,
  detail,
}: {
  readonly error: ErrorId;
  readonly detail: string;
}): Decision<never> => ({
  ...refuse(error),
  detail,
});
