import { ADDRESS_PARTS, PROFILE_TEXTS, type ProfileClaims, parseProfile } from '@latchkey/domain/accounts/profile';
import { decideSetProfile, loadSetProfile } from '@latchkey/domain/accounts/set-profile';
import { PROFILE_FIELDS, profilePage } from '@latchkey/pages/account/profile';
import { errorRow } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import type { SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Call, Endpoint, Server } from '../../../server.ts';
import { accountForm, accountPage, accountResponse, doneAt, partOf } from './account-endpoint.ts';

const PATH = '/account/profile';

/** The page of what is known of a person. */
export const accountProfile = accountPage({
  path: PATH,
  summary: 'The page of what is known of the signed-in person, in the claims of OpenID Connect.',
  needs: 'any_session',
  async answer(person, call, server): Promise<Answer> {
    const profile = await server.store.read.profile(person.session.accountId);
    return ok(await page(person, { values: valuesOf(profile?.claims ?? {}), wrong: [] }, call, server));
  },
});

/** Puts what was typed in the place of all that was known. What only others may say of a person is not taken. */
export const setAccountProfile: Endpoint = accountForm({
  path: PATH,
  page: PATH,
  summary: 'Sets what is known of the signed-in person.',
  needs: 'any_session',
  async answer(form, person, call, server): Promise<Answer> {
    const { accountId } = person.session;
    const values = Object.fromEntries(PROFILE_FIELDS.map((name) => [name, form.get(name) ?? '']));
    const claims = parseProfile({
      ...Object.fromEntries(PROFILE_TEXTS.map((name) => [name, values[name]])),
      address: Object.fromEntries(ADDRESS_PARTS.map((part) => [part, values[`address.${part}`]])),
    });
    if (!claims.ok) {
      const refusal = { error: 'field_invalid', about: { account: accountId } } as const;
      rememberRefusal(refusal, setAccountProfile, call, server);
      const { status } = errorRow(refusal.error);
      return ok(await page(person, { values, wrong: claims.error, status }, call, server));
    }
    const { outcome } = await person.commit(
      (read) => loadSetProfile(read, accountId),
      (facts, moment) => decideSetProfile(facts, { id: accountId, by: 'owner', claims: claims.value }, moment),
    );
    return outcome.ok
      ? doneAt(PATH, 'profile_saved', server)
      : fail({ error: outcome.error, about: { account: accountId } });
  },
});

/** The claims by the names of the form's fields. */
const valuesOf = ({ address = {}, ...claims }: ProfileClaims): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(PROFILE_TEXTS.map((name) => [name, claims[name] ?? ''])),
  ...Object.fromEntries(ADDRESS_PARTS.map((part) => [`address.${part}`, address[part] ?? ''])),
});

interface Shown {
  readonly values: Readonly<Record<string, string>>;
  readonly wrong: readonly string[];
  readonly status?: number;
}

async function page(
  person: SignedIn,
  { values, wrong, ...more }: Shown,
  call: Call,
  server: Server,
): Promise<Response> {
  const profile = await server.store.read.profile(person.session.accountId);
  // what is much longer than a field can be does not come back
  const shown = Object.fromEntries(
    Object.entries(values).map(([name, text]) => [name, text.slice(0, LIMITS.profileUrlMax)]),
  );
  const isPhoneVerified = profile?.claims.phone_number_verified === true;
  const html = profilePage(
    { ...partOf(person, call, server), values: shown, wrong, isPhoneVerified },
    wordsFor(call.request, server),
  );
  return accountResponse(html, server, more);
}
