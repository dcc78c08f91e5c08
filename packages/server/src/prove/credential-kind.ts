import type { Resource } from '@latchkey/domain/clients/resource';
import type { ActiveIntrospection } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import type { Result } from '@latchkey/protocol/result';
import type { Refusal, Server } from '../server.ts';

/** Who asks about a credential, where it matters for what is counted. */
export interface CredentialContext {
  /** The name of the verifier process, if one asks. */
  readonly instance: string | undefined;
  /** Whether this one use is counted, instead of many being lent. */
  readonly isStrict: boolean;
  /**
   * What else must hold before a use is counted, such as from where the credential comes and whether it is enough. It is
   * asked of what the credential allows, and only where uses are counted.
   */
  readonly admits?: (allowed: ActiveIntrospection) => ErrorId | undefined;
}

/** Decides about one kind of credential that was presented for a resource. */
export type ProveCredential = (
  text: string,
  resource: Resource,
  server: Server,
  context: CredentialContext,
) => Promise<Result<ActiveIntrospection, ErrorId | Refusal>>;
