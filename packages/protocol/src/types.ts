/** Ids and times that cannot be taken for one another. The text of an id is its wire form, made and read by `ids.ts`. */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** `acc_…`: a stored person. The `sub` of the tokens issued for it. */
export type AccountId = Brand<string, 'AccountId'>;
/** `cli_…`: an OAuth client. The `client_id` of its requests and tokens. */
export type ClientId = Brand<string, 'ClientId'>;
/** `res_…`: a stored resource (an API). The user name of its credential. */
export type ResourceId = Brand<string, 'ResourceId'>;
/** `ses_…`: one login of one account on one device. The `sid` of its tokens. */
export type SessionId = Brand<string, 'SessionId'>;
/** `fam_…`: what one session allowed one client. The `fid` of its tokens. */
export type FamilyId = Brand<string, 'FamilyId'>;
/** `tok_…`: one access token. Its `jti`. */
export type TokenId = Brand<string, 'TokenId'>;
/** `sec_…`: one of the secrets of a client or resource. Names it; it is not the secret. */
export type SecretId = Brand<string, 'SecretId'>;
/** `key_…`: one API key. Names it; its secret is another part of its text. */
export type ApiKeyId = Brand<string, 'ApiKeyId'>;
/** `att_…`: one attempt to log in, from its first step to its last. */
export type AttemptId = Brand<string, 'AttemptId'>;

/** The audience identifier of a resource: an absolute URI (RFC 8707 §2). */
export type ResourceIdentifier = Brand<string, 'ResourceIdentifier'>;
/** A login identifier after normalisation; two spellings of one name are equal here. */
export type NormalisedIdentifier = Brand<string, 'NormalisedIdentifier'>;
/** base64url SHA-256 of a secret text. */
export type Sha256 = Brand<string, 'Sha256'>;
/** A sealed secret: opens only under the key-encryption key, and only where it was sealed for. */
export type Sealed = Brand<Uint8Array, 'Sealed'>;

export type EpochSeconds = Brand<number, 'EpochSeconds'>;
export type EpochMilliseconds = Brand<number, 'EpochMilliseconds'>;

export const seconds = (at: EpochMilliseconds): EpochSeconds => Math.floor(at / 1000) as EpochSeconds;
export const milliseconds = (at: EpochSeconds): EpochMilliseconds => (at * 1000) as EpochMilliseconds;
export const later = (at: EpochMilliseconds, addedMilliseconds: number): EpochMilliseconds =>
  (at + addedMilliseconds) as EpochMilliseconds;
