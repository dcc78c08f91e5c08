import { LIMITS } from '@latchkey/protocol/limits';
import type { ParsedIdentifier } from './identifier.ts';

const ATOM = "[\\p{L}\\p{M}\\p{N}!#$%&'*+/=?^_`{|}~-]+";
const LABEL = '[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}-]*[\\p{L}\\p{M}\\p{N}])?';
const MAILBOX = new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`, 'u');

/**
 * Whether an identifier is one mailbox that a mail can go to: a dot-atom and a domain name, with nothing in it that a
 * mail server or the header of a mail could read as an end, a list or a comment. What is mailed to is the form that is
 * compared, so that no other spelling of an address gets the mail of an account.
 *
 * @spec RFC 5321 §4.1.2, §4.5.3.1.1; RFC 5322 §3.2.3; RFC 6531 §3.3
 */
export const isMailable = ({ kind, normalised }: Pick<ParsedIdentifier, 'kind' | 'normalised'>): boolean =>
  kind === 'email' && normalised.indexOf('@') <= LIMITS.mailLocalPartMax && MAILBOX.test(normalised);
