import type { ApiKeyTerms } from '@latchkey/protocol/api-key-terms';
import type { ApiKey } from './api-key.ts';

/** What a verifier has to know of a key to decide about it by itself. */
export const apiKeyTerms = ({ environment, networks }: ApiKey): ApiKeyTerms => ({
  environment,
  ...(networks.length === 0 ? {} : { networks }),
});
