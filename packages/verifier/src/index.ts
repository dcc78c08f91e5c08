export type { AccessTokenClaims } from '@latchkey/protocol/claims';
export type { ErrorId } from '@latchkey/protocol/errors';
export type { Result } from '@latchkey/protocol/result';
export type { Access } from './access.ts';
export type { Rejection } from './challenge.ts';
export type { Requirements } from './guards.ts';
export type { OnStale, VerifierEvent, VerifierOptions } from './options.ts';
export type { RequestLike } from './request.ts';
export { createVerifier, type Verifier, type VerifierStatus } from './verifier.ts';
