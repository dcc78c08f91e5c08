import { expect, test } from 'vitest';
import { serverMetadata } from './server-metadata.ts';

test.each(['https://id.example', 'https://id.example/tenant', 'http://localhost:8400'])(
  'META-02, META-03 RFC 8414 §2: the document of %s names it to the letter, what works there, and nothing else',
  (issuer) => {
    expect(serverMetadata(issuer)).toEqual({
      issuer,
      token_endpoint: `${issuer}/oauth/token`,
      introspection_endpoint: `${issuer}/oauth/introspect`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: [],
      grant_types_supported: ['client_credentials', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    });
  },
);
