import { expect, test } from 'vitest';
import { CLAIMS_OF_SCOPE } from './claims-request.ts';
import { serverMetadata } from './server-metadata.ts';

const PERSON = Object.values(CLAIMS_OF_SCOPE).flat();

test.each(['https://id.example', 'https://id.example/tenant', 'http://localhost:8400'])(
  'META-02, META-03, PKCE-08 RFC 8414 §2: the document of %s names it to the letter, what works there, and nothing else',
  (issuer) => {
    const clientMethods = ['client_secret_basic', 'client_secret_post', 'none'];
    expect(
      serverMetadata(issuer, { scopes: ['openid', 'email'], signingAlgorithms: ['RS256'], acrValues: [] }),
    ).toEqual({
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
      scopes_supported: ['openid', 'email'],
      claims_supported: [...'sub iss aud exp iat auth_time nonce amr azp sid'.split(' '), ...PERSON],
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'form_post'],
      grant_types_supported: [
        'authorization_code',
        'client_credentials',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      ui_locales_supported: ['en', 'de', 'fr'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: clientMethods,
      revocation_endpoint_auth_methods_supported: clientMethods,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      introspection_signing_alg_values_supported: ['RS256'],
      authorization_response_iss_parameter_supported: true,
      claims_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
    });
  },
);

test('META-03 OIDC Discovery §3: levels of assurance are named where there are any', () => {
  const known = { scopes: [], signingAlgorithms: [], acrValues: ['one', 'two'] };
  const { acr_values_supported, claims_supported } = serverMetadata('https://id.example', known);
  expect([acr_values_supported, claims_supported.includes('acr')]).toEqual([['one', 'two'], true]);
});
