import type { ReportAnswer } from '@latchkey/protocol/api-key-terms';
import type { EpochMilliseconds, ResourceId } from '@latchkey/protocol/types';

/** One process of a verifier, and the last that it told: what it told last may come again. */
export interface VerifierInstance {
  readonly instance: string;
  readonly resourceId: ResourceId;
  readonly number: number;
  readonly answer: ReportAnswer;
  readonly seenAt: EpochMilliseconds;
}
