import { isApiKeyText } from '@latchkey/tokens/formats/api-key';
import { isEncryptedToken } from '@latchkey/tokens/formats/encrypted-token';
import { OPAQUE_TOKEN_PREFIX } from '@latchkey/tokens/formats/opaque-token';
import { REFRESH_TOKEN_PREFIX } from '@latchkey/tokens/formats/refresh-token';
import { isUnderSharedSecret } from '../prove/credentials/shared-secret.ts';
import type { Server } from '../server.ts';
import { explainAccessToken } from './access-token.ts';
import { explainApiKey } from './api-key.ts';
import { explainEncryptedToken } from './encrypted-token.ts';
import type { Explanation } from './explanation.ts';
import { explainOpaqueToken } from './opaque-token.ts';
import { explainRefreshToken } from './refresh-token.ts';
import { explainSharedSecretToken } from './shared-secret-token.ts';

/**
 * Explains a credential, whichever of ours it is: runs the checks that it would meet, in their order, and says of each
 * what came of it. It reads and never writes, and tells nothing that the credential's holder could use.
 */
export async function explainCredential(given: string, server: Server): Promise<Explanation> {
  const text = given.trim().replace(/^Bearer\s+/i, '');
  if (text.startsWith(REFRESH_TOKEN_PREFIX)) return explainRefreshToken(text, server);
  if (text.startsWith(OPAQUE_TOKEN_PREFIX)) return explainOpaqueToken(text, server);
  if (isApiKeyText(text)) return explainApiKey(text, server);
  if (text.startsWith('lk_cs_')) return secret('the secret of a client', 'latchkey client rotate-secret');
  if (text.startsWith('lk_rs_')) return secret('the secret of a resource server', 'latchkey resource rotate-secret');
  if (isEncryptedToken(text)) return explainEncryptedToken(text, server);
  if (isUnderSharedSecret(text)) return explainSharedSecretToken(text, server);
  if (text.includes('.')) return explainAccessToken(text, server);
  return {
    kind: 'nothing that this server knows',
    checks: [
      {
        check: 'kind',
        result: 'failed',
        text: 'It is neither a JWT nor begins like one of our credentials, nor is it an error id.',
      },
    ],
    advice: 'Check that it was copied whole. If it is the access token of another issuer, ask that one.',
  };
}

/** Whether a secret is good is not told: who finds one on the street must not learn here what it opens. */
const secret = (kind: string, command: string): Explanation => ({
  kind,
  checks: [{ check: 'kind', result: 'failed', text: 'Secrets are not looked up here: whose it is is not told.' }],
  advice: `It should not have left its place: replace it, by ${command}.`,
});
