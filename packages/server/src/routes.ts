import type { Endpoint } from './server.ts';

/** Every endpoint, top to bottom. The router, the reference and the credential matrix test are made from this list. */
export const ROUTES: readonly Endpoint[] = [];
