import type { ErrorId } from '@latchkey/protocol/errors';
import type { Result } from '@latchkey/protocol/result';
import type { Access } from './access.ts';

/** One kind of credential, and how it is decided about. Its text has the form of the kind; more is not known of it. */
export interface CredentialKind {
  /** Decides by what is here; undefined when something must be fetched first. */
  now(text: string): Result<Access, ErrorId> | undefined;
  later(text: string): Promise<Result<Access, ErrorId>>;
}

/** The kinds of credential that are told apart by their form alone, before anything is read of them. */
export type CredentialForm = 'jwt' | 'opaque' | 'api_key';

/** What is not of another form is taken for a JWT, which says what is wrong with it. */
export function formOf(text: string): CredentialForm {
  if (!text.startsWith('lk_')) return 'jwt';
  if (text.startsWith('lk_at_')) return 'opaque';
  return text.startsWith('lk_live_') || text.startsWith('lk_test_') ? 'api_key' : 'jwt';
}
