import { LIMITS } from '@latchkey/protocol/limits';
import type { AccountId, NormalisedIdentifier } from '@latchkey/protocol/types';
import type { Identifier } from './account.ts';

const USERNAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;
/** Without what would make it more than one address to a mail program. */
const EMAIL = /^[^\s@,;:<>()[\]"\\\p{C}]+@[^\s@,;:<>()[\]"\\\p{C}]+\.[^\s@.,;:<>()[\]"\\\p{C}]+$/u;

/** A login identifier, read: what it is compared by, and of which kind it is. */
export type ParsedIdentifier = Pick<Identifier, 'kind' | 'normalised' | 'display'>;

/**
 * Reads a login identifier; undefined when it is none. Width, case and composition make no difference; white space
 * around it is a slip of the keyboard.
 *
 * @spec RFC 8265 §3.3 (UsernameCaseMapped)
 */
export function parseIdentifier(text: string): ParsedIdentifier | undefined {
  if (text.length > 4 * LIMITS.identifierMax) return undefined;
  const display = text.trim();
  const normalised = display.normalize('NFKC').toLowerCase().normalize('NFC');
  if (normalised.length > LIMITS.identifierMax) return undefined;
  const kind = normalised.includes('@') ? 'email' : 'username';
  if (!(kind === 'email' ? EMAIL : USERNAME).test(normalised)) return undefined;
  return { kind, normalised: normalised as NormalisedIdentifier, display };
}

export const identifierOf = (
  parsed: ParsedIdentifier,
  accountId: AccountId,
  verifiedAt?: Identifier['verifiedAt'],
): Identifier => ({ ...parsed, accountId, verifiedAt });
