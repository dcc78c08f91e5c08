import { LIMITS } from '@latchkey/protocol/limits';
import type { Resource } from './resource.ts';

/**
 * Claims whose meaning is fixed, by a standard or by us: verifiers decide by them, so that nobody else says anything
 * under these names. They are compared without regard to case, since some readers of claims have none.
 *
 * @spec RFC 7519 §4.1, RFC 9068 §2.2, RFC 7662 §2.2; IANA JSON Web Token Claims
 */
const PROTOCOL_CLAIMS: ReadonlySet<string> = new Set(
  [
    // RFC 7519, and what RFC 9068 and RFC 8693 put beside it
    'iss sub aud exp nbf iat jti typ alg kid cty',
    'client_id scope scp auth_time acr amr cnf act may_act azp sid sub_id txn',
    'roles permissions groups entitlements authorization_details status toe vot vtm',
    // Latchkey's own
    'fid pos org_id api_key terms',
    // of ID tokens, logout tokens and proofs: an access token with one of them may be taken for what it is not
    'nonce at_hash c_hash s_hash rt_hash events sub_jwk htm htu ath jwk jkt',
    // members of an introspection's answer
    'active token_type username error',
  ].flatMap((names) => names.split(' ')),
);

export const isProtocolClaim = (name: string): boolean => PROTOCOL_CLAIMS.has(name.toLowerCase());

const NAME = /^[A-Za-z][A-Za-z0-9_.:/-]*$/;

/** Whether a text is the name of a claim: a word, or a URI for names that nobody else may choose. @spec RFC 7519 §4.2 */
export const isClaimName = (name: string): boolean => name.length <= LIMITS.claimNameMax && NAME.test(name);

/** Why a claim does not belong into a text that whoever holds it can read. */
export type Sensitivity = 'secret' | 'personal' | 'email';

/** What opens something: in whatever part of a name it stands, no token may hold it, encrypted or not. */
const SECRETS = /passwd|password|passphrase|passcode|secret|credential|apikey|accesskey|privatekey|seedphrase/;
/** The same, where they end a name: in the middle they would be found in harmless ones. */
const SECRETS_AT_END = /(?:token|cookie|pwd)s?$/;
/** Those that are too short to be looked for in the middle of words. */
const SECRET_WORDS: ReadonlySet<string> = new Set(['pin', 'otp', 'totp', 'cvv', 'cvc', 'cvv2', 'cvc2', 'pw']);

/** Who somebody is, for those who read tokens in logs and in browsers: numbers of the state and of banks, places, days. */
const PERSONAL =
  /socialsecurity|nationalid|passport|taxid|driverslicense|creditcard|cardnumber|bankaccount|birth|phonenumber|address$|familyname|givenname|middlename|lastname|firstname|fullname|maidenname|phone$|mobile$|telephone/;
const PERSONAL_WORDS: ReadonlySet<string> = new Set(['ssn', 'nin', 'iban', 'pan', 'dob', 'gender', 'sex', 'nickname']);
/** The claims of the scope `profile` that are words of many meanings elsewhere: the whole name, or it is another claim. */
const PERSONAL_NAMES: ReadonlySet<string> = new Set(['name', 'preferredusername', 'picture']);

const EMAIL = /e?mail(?:address|verified)?$/;

/**
 * What makes a name sensitive, however it is written: `cardNumber`, `card_number` and `https://acme.example/CARD-NUMBER`
 * are one. A JWT that is not encrypted is read by its client, and by all who get hold of it in a log.
 *
 * @spec RFC 9068 §6 (privacy: no personal data that the client is not to see); OWASP ASVS 9.2.4, 14.2.6
 */
export function sensitivityOf(name: string): Sensitivity | undefined {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf(':')) + 1);
  const words = last
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const joined = words.join('');
  const hasWord = (list: ReadonlySet<string>): boolean => words.some((word) => list.has(word)) || list.has(joined);
  if (SECRETS.test(joined) || SECRETS_AT_END.test(joined) || hasWord(SECRET_WORDS)) return 'secret';
  if (EMAIL.test(joined)) return 'email';
  if (PERSONAL.test(joined) || hasWord(PERSONAL_WORDS) || PERSONAL_NAMES.has(joined)) return 'personal';
  return undefined;
}

/**
 * Whether tokens of a resource may carry a claim of this name: secrets never; what is personal where only the resource
 * can read them; e-mail also where its administrator has said so.
 */
export function mayCarry({ format, allowsEmailClaim }: Pick<Resource, 'format' | 'allowsEmailClaim'>, name: string) {
  const sensitivity = sensitivityOf(name);
  if (sensitivity === undefined) return true;
  if (sensitivity === 'secret') return false;
  return format !== 'jwt' || (sensitivity === 'email' && allowsEmailClaim);
}
