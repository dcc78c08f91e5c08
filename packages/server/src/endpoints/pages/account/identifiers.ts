import {
  decideAddUsername,
  decideRemoveIdentifier,
  loadAddIdentifier,
} from '@latchkey/domain/accounts/change-identifiers';
import { parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { type IdentifierError, identifiersPage } from '@latchkey/pages/account/identifiers';
import { type ErrorId, errorRow } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok } from '@latchkey/protocol/result';
import { wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import type { SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../../server.ts';
import { accountForm, accountPage, accountResponse, doneAt, partOf } from './account-endpoint.ts';

const PATH = '/account/identifiers';

/** Names that one account may try: the answer says whether somebody has a name, so that nobody may ask for many. */
const TRIED = { burst: 20, perMinute: 2 } as const;

/** The page of the names under which one signs in. */
export const accountIdentifiers = accountPage({
  path: PATH,
  summary: 'The page of the names under which the signed-in person signs in.',
  needs: 'fresh_session',
  async answer(person, call, server): Promise<Answer> {
    return ok(await page(person, {}, call, server));
  },
});

/** Adds one, or removes one. @spec ASVS 7.5.1 (SES-06) */
export const changeAccountIdentifiers: Endpoint = accountForm({
  path: PATH,
  page: PATH,
  summary: 'Adds a user name of the signed-in person, or removes an identifier.',
  needs: 'fresh_session',
  answer(form, person, call, server): Promise<Answer> {
    const removed = form.get('remove');
    return removed === undefined
      ? add(form.get('add') ?? '', person, call, server)
      : remove(removed, person, call, server);
  },
});

async function add(text: string, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const { accountId } = person.session;
  const again = (refusal: Refusal) => refused(refusal, text, person, call, server);
  const parsed = parseIdentifier(text);
  if (parsed === undefined) return again({ error: 'identifier_invalid' });
  const wait = await server.ephemeral.take(`identifiers:${accountId}`, TRIED);
  if (wait > 0) return again({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  const { outcome } = await person.commit(
    (read) => loadAddIdentifier(read, accountId, parsed),
    (facts, moment) => decideAddUsername(facts, accountId, parsed, moment),
  );
  return outcome.ok ? doneAt(PATH, 'identifier_added', server) : again({ error: outcome.error });
}

async function remove(text: string, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const { accountId } = person.session;
  const { outcome } = await person.commit(
    (read) => read.identifiers(accountId),
    (own, moment) => decideRemoveIdentifier(own, accountId, text, moment),
  );
  if (outcome.ok) return doneAt(PATH, 'identifier_removed', server);
  if (outcome.error === 'not_found') return doneAt(PATH, 'gone', server);
  return refused({ error: outcome.error }, '', person, call, server);
}

const SHOWN: Readonly<Partial<Record<ErrorId, IdentifierError>>> = {
  identifier_invalid: 'invalid',
  identifier_taken: 'taken',
  limit_reached: 'limit',
  identifier_last: 'last',
  rate_limited: 'throttled',
};

/** The page once more, with what is wrong. */
async function refused(
  refusal: Refusal,
  username: string,
  person: SignedIn,
  call: Call,
  server: Server,
): Promise<Answer> {
  const error = SHOWN[refusal.error];
  const about = { account: person.session.accountId };
  if (error === undefined) return fail({ ...refusal, about });
  rememberRefusal({ ...refusal, about }, changeAccountIdentifiers, call, server);
  const { status } = errorRow(refusal.error);
  // what is longer than a name can be does not come back
  const typed = username.slice(0, LIMITS.identifierMax);
  return ok(await page(person, { error, typed, status, headers: refusal.headers ?? {} }, call, server));
}

interface Shown {
  readonly error?: IdentifierError;
  readonly typed?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

async function page(person: SignedIn, { error, typed, ...more }: Shown, call: Call, server: Server): Promise<Response> {
  const own = await server.store.read.identifiers(person.session.accountId);
  const html = identifiersPage(
    {
      ...partOf(person, call, server),
      identifiers: own.map(({ normalised, display, kind, verifiedAt }) => ({
        value: normalised,
        display,
        kind,
        isVerified: verifiedAt !== undefined,
      })),
      ...(error === undefined ? {} : { error }),
      ...(typed === undefined ? {} : { username: typed }),
    },
    wordsFor(call.request, server),
  );
  return accountResponse(html, server, more);
}
