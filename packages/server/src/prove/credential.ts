import type { ActiveIntrospection } from '@latchkey/protocol/claims';
import { fail, type Result } from '@latchkey/protocol/result';
import { isApiKeyText } from '@latchkey/tokens/formats/api-key';
import { isEncryptedToken } from '@latchkey/tokens/formats/encrypted-token';
import { OPAQUE_TOKEN_PREFIX } from '@latchkey/tokens/formats/opaque-token';
import type { Refusal } from '../server.ts';
import type { ProveCredential } from './credential-kind.ts';
import { proveApiKeyFor } from './credentials/api-key.ts';
import { proveJwe } from './credentials/jwe.ts';
import { proveJwt } from './credentials/jwt.ts';
import { proveOpaque } from './credentials/opaque.ts';
import { isUnderSharedSecret, proveSharedSecret } from './credentials/shared-secret.ts';

/**
 * Decides about any credential that was presented for a resource, by the rows of this request, and says what it allows.
 * Its form alone tells the kind; whatever is malformed is refused before anything is looked up.
 */
export async function proveCredential(
  ...[text, resource, server, context]: Parameters<ProveCredential>
): Promise<Result<ActiveIntrospection, Refusal>> {
  const proved = await kindOf(text)(text, resource, server, context);
  if (proved.ok) return proved;
  return fail(typeof proved.error === 'string' ? { error: proved.error } : proved.error);
}

/** What is of no other form is taken for a JWT. */
function kindOf(text: string): ProveCredential {
  if (text.startsWith(OPAQUE_TOKEN_PREFIX)) return proveOpaque;
  if (isApiKeyText(text)) return proveApiKeyFor;
  if (isEncryptedToken(text)) return proveJwe;
  return isUnderSharedSecret(text) ? proveSharedSecret : proveJwt;
}
