import type { Endpoint } from '../../server.ts';
import { ACCOUNT_ROUTES } from './accounts.ts';
import type { AdminEndpoint } from './admin-endpoint.ts';
import { API_KEY_ROUTES } from './api-keys.ts';
import { AUDIT_ROUTES } from './audit.ts';
import { CLIENT_ROUTES } from './clients.ts';
import { EXPLAIN_ROUTES } from './explain.ts';
import { KEY_ROUTES } from './keys.ts';
import { METADATA_ROUTES } from './metadata.ts';
import { openApiRoute } from './openapi.ts';
import { PROFILE_ROUTES } from './profiles.ts';
import { RESOURCE_ROUTES } from './resources.ts';
import { ROLE_ROUTES } from './roles.ts';
import { SESSION_ROUTES } from './sessions.ts';
import { TOKEN_ROUTES } from './tokens.ts';
import { USAGE_ROUTES } from './usage.ts';

/** The routes that OpenAPI describes: all of the admin API. */
export const ADMIN_ENDPOINTS: readonly AdminEndpoint[] = [
  ...ACCOUNT_ROUTES,
  ...PROFILE_ROUTES,
  ...METADATA_ROUTES,
  ...CLIENT_ROUTES,
  ...RESOURCE_ROUTES,
  ...API_KEY_ROUTES,
  ...ROLE_ROUTES,
  ...SESSION_ROUTES,
  ...TOKEN_ROUTES,
  ...USAGE_ROUTES,
  ...KEY_ROUTES,
  ...AUDIT_ROUTES,
  ...EXPLAIN_ROUTES,
];

export const ADMIN_ROUTES: readonly Endpoint[] = [...ADMIN_ENDPOINTS, openApiRoute(ADMIN_ENDPOINTS)];
