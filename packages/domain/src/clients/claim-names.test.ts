import { LIMITS } from '@latchkey/protocol/limits';
import { describe, expect, test } from 'vitest';
import { isClaimName, isProtocolClaim, mayCarry, sensitivityOf } from './claim-names.ts';
import { PLAIN_RESOURCE } from './resource.ts';

test.each([
  ['plan', true],
  ['https://api.example.com/plan', true],
  ['x'.repeat(LIMITS.claimNameMax), true],
  ['x'.repeat(LIMITS.claimNameMax + 1), false],
  ['', false],
  ['__proto__', false],
  ['1st', false],
  ['a b', false],
  ['größe', false],
])('%s is a name of a claim: %s', (name, is) => {
  expect(isClaimName(name)).toBe(is);
});

test.each(['iss', 'sub', 'aud', 'exp', 'jti', 'scope', 'roles', 'permissions', 'org_id', 'fid', 'pos', 'cnf', 'nonce'])(
  'RFC 7519 §4.1: nobody else says %s, in whatever case',
  (name) => {
    const other = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    expect([isProtocolClaim(name), isProtocolClaim(other), isProtocolClaim(`x_${name}`)]).toEqual([true, true, false]);
  },
);

describe('RSV-08: what a name tells of what it stands for', () => {
  const names = {
    secret:
      'password passwd pwd userPwd PASSWORD_HASH client_secret clientSecret secret token access_token refreshToken api_key apiKey x-api-key private_key privateKey access-key credentials cvv card_cvc PIN pin_code otp session_cookie https://acme.example/client-secret',
    email: 'email e-mail E_MAIL work_email emailAddress email_verified emailVerified mail https://acme.example/Email',
    personal:
      'ssn user.ssn credit_card creditCardNumber card_number phone_number phoneNumber home_phone address street_address birthdate dateOfBirth date_of_birth given_name familyName name preferred_username iban passport_number gender nickname urn:acme:birthday',
    none: 'plan seats shipping tokenizer opinion spinner org_name pinned company tier region mailbox_count addressable https://acme.example/plan keyboard',
  } as const;
  const cases = Object.entries(names).flatMap(([kind, list]) => list.split(' ').map((name) => [name, kind] as const));
  test.each(cases)('%s: %s', (name, kind) => {
    expect(sensitivityOf(name) ?? 'none').toBe(kind);
  });
});

describe('RSV-08: what may stand in a token', () => {
  const plain = PLAIN_RESOURCE;
  const may = (resource: Parameters<typeof mayCarry>[0]) =>
    ['plan', 'client_secret', 'birthdate', 'email'].map((name) => mayCarry(resource, name));
  test('in a text that anybody can read, nothing personal', () => {
    expect(may(plain)).toEqual([true, false, false, false]);
  });
  test('an e-mail address where the administrator allows it', () => {
    expect(may({ ...plain, allowsEmailClaim: true })).toEqual([true, false, false, true]);
  });
  test.each(['jwe', 'opaque'] as const)(
    'in one that only the resource can read (%s), everything but secrets',
    (format) => {
      expect(may({ ...plain, format })).toEqual([true, false, true, true]);
    },
  );
});
