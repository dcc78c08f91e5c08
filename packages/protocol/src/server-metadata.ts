import { CLAIMS_OF_SCOPE } from './claims-request.ts';
import type { SigningAlgorithm } from './jwk.ts';
import { TOKEN_EXCHANGE } from './token-request.ts';

/** What a client may learn of the server before it asks for anything. @spec RFC 8414 §2; OIDC Discovery §3 */
export interface ServerMetadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly userinfo_endpoint: string;
  readonly end_session_endpoint: string;
  readonly backchannel_logout_supported: boolean;
  readonly backchannel_logout_session_supported: boolean;
  readonly introspection_endpoint: string;
  readonly revocation_endpoint: string;
  readonly jwks_uri: string;
  /** @spec TSL draft-21 §9.1 */
  readonly status_list_aggregation_endpoint: string;
  readonly scopes_supported: readonly string[];
  readonly claims_supported: readonly string[];
  readonly response_types_supported: readonly string[];
  readonly response_modes_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly subject_types_supported: readonly string[];
  readonly id_token_signing_alg_values_supported: readonly string[];
  readonly prompt_values_supported: readonly string[];
  readonly ui_locales_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly revocation_endpoint_auth_methods_supported: readonly string[];
  readonly introspection_endpoint_auth_methods_supported: readonly string[];
  readonly introspection_signing_alg_values_supported: readonly string[];
  readonly authorization_response_iss_parameter_supported: boolean;
  /** Absent where no level can be reached. */
  readonly acr_values_supported?: readonly string[];
  readonly claims_parameter_supported: boolean;
  readonly request_parameter_supported: boolean;
  readonly request_uri_parameter_supported: boolean;
}

/** What of the document depends on the deployment. */
export interface Known {
  readonly scopes: readonly string[];
  /** Those of the key set. */
  readonly signingAlgorithms: readonly SigningAlgorithm[];
  /** The levels of assurance that a sign-in can reach. */
  readonly acrValues: readonly string[];
}

const CLAIMS = ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'amr', 'azp', 'sid'];

/** The document for an issuer. It names what works, and nothing else. @spec RFC 8414 §2 (META-01, META-03) */
export function serverMetadata(issuer: string, { scopes, signingAlgorithms, acrValues }: Known): ServerMetadata {
  const clientMethods = ['client_secret_basic', 'client_secret_post', 'none'];
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    end_session_endpoint: `${issuer}/oauth/logout`,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    status_list_aggregation_endpoint: `${issuer}/status-lists`,
    scopes_supported: scopes,
    claims_supported: [...CLAIMS, ...(acrValues.length === 0 ? [] : ['acr']), ...Object.values(CLAIMS_OF_SCOPE).flat()],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE],
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: signingAlgorithms,
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    ui_locales_supported: ['en', 'de', 'fr'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: clientMethods,
    revocation_endpoint_auth_methods_supported: clientMethods,
    introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    introspection_signing_alg_values_supported: signingAlgorithms,
    authorization_response_iss_parameter_supported: true,
    ...(acrValues.length === 0 ? {} : { acr_values_supported: acrValues }),
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}
