import type { Resource } from '@latchkey/domain/clients/resource';
import type { ActiveIntrospection } from '@latchkey/protocol/claims';
import type { ErrorId } from '@latchkey/protocol/errors';
import type { Result } from '@latchkey/protocol/result';
import { isApiKeyText } from '@latchkey/tokens/formats/api-key';
import { isEncryptedToken } from '@latchkey/tokens/formats/encrypted-token';
import { OPAQUE_TOKEN_PREFIX } from '@latchkey/tokens/formats/opaque-token';
import type { Server } from '../server.ts';
import { proveApiKeyFor } from './credentials/api-key.ts';
import { proveJwe } from './credentials/jwe.ts';
import { proveJwt } from './credentials/jwt.ts';
import { proveOpaque } from './credentials/opaque.ts';
import { isUnderSharedSecret, proveSharedSecret } from './credentials/shared-secret.ts';

/** Who asks about a credential, where it matters for what is counted. */
export interface CredentialContext {
  /** The name of the verifier process, if one asks. */
  readonly instance: string | undefined;
  /** Whether this one use is counted, instead of many being lent. */
  readonly isStrict: boolean;
}

/** Decides about one kind of credential that was presented for a resource. */
export type ProveCredential = (
  text: string,
  resource: Resource,
  server: Server,
  context: CredentialContext,
) => Promise<Result<ActiveIntrospection, ErrorId>>;

/**
 * Decides about any credential that was presented for a resource, by the rows of this request, and says what it allows.
 * Its form alone tells the kind; whatever is malformed is refused before anything is looked up.
 */
export const proveCredential: ProveCredential = (text, resource, server, context) =>
  kindOf(text)(text, resource, server, context);

/** What is of no other form is taken for a JWT. */
function kindOf(text: string): ProveCredential {
  if (text.startsWith(OPAQUE_TOKEN_PREFIX)) return proveOpaque;
  if (isApiKeyText(text)) return proveApiKeyFor;
  if (isEncryptedToken(text)) return proveJwe;
  return isUnderSharedSecret(text) ? proveSharedSecret : proveJwt;
}
