import type { Resource } from '@latchkey/domain/clients/resource';
import type { ResourceChanges } from '@latchkey/domain/clients/update-resource';
import { LIMITS } from '@latchkey/protocol/limits';
import { z } from 'zod';

/** What tokens of a resource say, as fields of the admin API. */
export const CLAIM_FIELDS = {
  claims: z
    .array(z.strictObject({ claim: z.string(), from: z.string() }))
    .describe('Claims of its tokens, each from an entry of the metadata of the account.'),
  permissions: z
    .record(z.string(), z.array(z.string()))
    .describe('What each role may do; a token has the permissions of all its roles.'),
  allow_email_claim: z
    .boolean()
    .describe('Whether its tokens may say an e-mail address although they are not encrypted.'),
  access_token_bytes: z
    .number()
    .int()
    .min(LIMITS.accessTokenBytesMin)
    .max(LIMITS.accessTokenBytesMax)
    .describe('The largest access token that is made for it, in bytes as sent.'),
};

const CHANGES = z.object(CLAIM_FIELDS).partial();

export const claimChangesOf = (body: z.infer<typeof CHANGES>): ResourceChanges => ({
  ...(body.claims === undefined ? {} : { claims: body.claims }),
  ...(body.permissions === undefined ? {} : { permissions: body.permissions }),
  ...(body.allow_email_claim === undefined ? {} : { allowsEmailClaim: body.allow_email_claim }),
  ...(body.access_token_bytes === undefined ? {} : { accessTokenBytes: body.access_token_bytes }),
});

export const claimsView = ({ claims, permissions, allowsEmailClaim, accessTokenBytes }: Resource) => ({
  claims: claims.map(({ claim, from }) => ({ claim, from })),
  permissions: Object.fromEntries(Object.entries(permissions).map(([role, given]) => [role, [...given]])),
  allow_email_claim: allowsEmailClaim,
  access_token_bytes: accessTokenBytes,
});
