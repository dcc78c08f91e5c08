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
import { mailLanguageOf, wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import { askToVerify } from '../../../login/ask-for-mail.ts';
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
    const [removed, toVerify] = [form.get('remove'), form.get('verify')];
    if (removed !== undefined) return remove(removed, person, call, server);
    return toVerify === undefined
      ? add(form.get('add') ?? '', person, call, server)
      : verify(toVerify, person, call, server);
  },
});

async function add(text: string, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const { accountId } = person.session;
  const again = (refusal: Refusal) => refused(refusal, text, person, call, server);
  const parsed = parseIdentifier(text);
  if (parsed === undefined) return again({ error: 'identifier_invalid' });
  if (parsed.kind === 'email') return verify(text, person, call, server);
  const wait = await server.ephemeral.take(`identifiers:${accountId}`, TRIED);
  if (wait > 0) return again({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  const language = mailLanguageOf(call.request, server);
  const { outcome } = await person.commit(
    (read) => loadAddIdentifier(read, accountId, parsed),
    (facts, moment) => decideAddUsername(facts, { account: accountId, parsed, language }, moment),
  );
  return outcome.ok ? doneAt(PATH, 'identifier_added', server) : again({ error: outcome.error });
}

/** An address comes in by the link that is mailed to it, and nothing is said here of whose it is. */
async function verify(text: string, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const language = mailLanguageOf(call.request, server);
  const again = (refusal: Refusal) => refused(refusal, text, person, call, server);
  if (language === undefined) return again({ error: 'identifier_invalid' });
  const { accountId, id: sessionId } = person.session;
  const asked = await askToVerify({ accountId, sessionId, address: text, language }, call, server);
  return asked.ok ? doneAt(PATH, 'verification_sent', server) : again(asked.error);
}

async function remove(text: string, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const { accountId } = person.session;
  const language = mailLanguageOf(call.request, server);
  const { outcome } = await person.commit(
    (read) => read.identifiers(accountId),
    (own, moment) => decideRemoveIdentifier(own, { account: accountId, name: text, language }, moment),
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
      hasMail: server.mail !== undefined,
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
