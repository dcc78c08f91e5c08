import type { ApiKey } from '@latchkey/domain/api-keys/api-key';
import { loadCreateApiKey } from '@latchkey/domain/api-keys/create-api-key';
import {
  decideCreateOwnApiKey,
  decideEndOwnApiKey,
  decideRotateOwnApiKey,
} from '@latchkey/domain/api-keys/own-api-keys';
import { loadOwnedApiKey } from '@latchkey/domain/api-keys/rotate-api-key';
import type { Resource } from '@latchkey/domain/clients/resource';
import { apiKeyMadePage } from '@latchkey/pages/account/api-key-made';
import { apiKeysPage } from '@latchkey/pages/account/api-keys';
import { type ApiKeyError, KEY_DAYS, newApiKeyPage } from '@latchkey/pages/account/new-api-key';
import { errorRow } from '@latchkey/protocol/errors';
import { makeId, parseId } from '@latchkey/protocol/ids';
import { DURATIONS, LIMITS } from '@latchkey/protocol/limits';
import type { Parameters } from '@latchkey/protocol/parameters';
import { fail, ok } from '@latchkey/protocol/result';
import { type ApiKeyId, later } from '@latchkey/protocol/types';
import { makeApiKeyText } from '../../../api-keys/make-text.ts';
import { adminApiOf } from '../../../bootstrap.ts';
import { mailLanguageOf, wordsFor } from '../../../http/page.ts';
import { rememberRefusal } from '../../../http/refusal.ts';
import type { SignedIn } from '../../../prove/signed-in.ts';
import type { Answer, Call, Endpoint, Refusal, Server } from '../../../server.ts';
import { accountForm, accountPage, accountResponse, doneAt, partOf } from './account-endpoint.ts';

const PATH = '/account/api-keys';
const NEW = '/account/api-keys/new';

/** A person's own API keys, and the APIs for which they may make one. */
export const accountApiKeys = accountPage({
  path: PATH,
  summary: "The page of the signed-in person's own API keys.",
  needs: 'fresh_session',
  async answer(person, call, server): Promise<Answer> {
    const { now } = await server.store.read.moment();
    const resources = await allResources(server);
    const nameOf = (key: ApiKey) =>
      resources.find(({ identifier }) => identifier === key.resource)?.name ?? key.resource;
    const keys = await ownApiKeys(person, server);
    const html = apiKeysPage(
      {
        ...partOf(person, call, server),
        keys: keys.map((key) => ({
          id: key.id,
          name: key.name,
          isTest: key.environment === 'test',
          resource: nameOf(key),
          scope: key.scope,
          since: key.createdAt,
          expiresAt: key.expiresAt,
          previousUntil: key.previous !== undefined && key.previous.until > now ? key.previous.until : undefined,
        })),
        offers: resources.filter(({ hasSelfServiceKeys }) => hasSelfServiceKeys).map(({ id, name }) => ({ id, name })),
      },
      wordsFor(call.request, server),
    );
    return ok(accountResponse(html, server));
  },
});

/** The keys of a person that live, newest first. */
async function ownApiKeys(person: SignedIn, { store: { read } }: Server): Promise<readonly ApiKey[]> {
  const { now } = await read.moment();
  const found: ApiKey[] = [];
  let after: ApiKeyId | undefined;
  for (;;) {
    const page = await read.apiKeysOf(person.session.accountId, { after, limit: LIMITS.pageRowsMax });
    found.push(...page.filter(({ ended, expiresAt }) => ended === undefined && now < expiresAt));
    after = page.at(-1)?.id;
    if (page.length < LIMITS.pageRowsMax) return found.reverse();
  }
}

/** Whether a person has keys, or may make one: else there is nothing to show. */
export const concernsApiKeys = async (person: SignedIn, server: Server): Promise<boolean> =>
  (await allResources(server)).some(({ hasSelfServiceKeys }) => hasSelfServiceKeys) ||
  (await ownApiKeys(person, server)).length > 0;

async function allResources({ store: { read } }: Server): Promise<readonly Resource[]> {
  const found: Resource[] = [];
  while (found.length < LIMITS.resourcesKeptMax) {
    const page = await read.resources({ after: found.at(-1)?.id, limit: LIMITS.pageRowsMax });
    found.push(...page);
    if (page.length < LIMITS.pageRowsMax) break;
  }
  return found;
}

/** A new secret for one of them, or the end of one. */
export const changeAccountApiKeys: Endpoint = accountForm({
  path: PATH,
  page: PATH,
  summary: 'Gives one of the own API keys of the signed-in person a new secret, or ends it.',
  needs: 'fresh_session',
  answer(form, person, call, server): Promise<Answer> {
    const rotated = form.get('rotate');
    return rotated === undefined
      ? end(parseId('key', form.get('end') ?? ''), person, call, server)
      : rotate(parseId('key', rotated), person, call, server);
  },
});

async function end(id: ApiKeyId | undefined, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  if (id === undefined) return doneAt(PATH, 'gone', server);
  const command = { id, account: person.session.accountId, language: mailLanguageOf(call.request, server) };
  const { outcome } = await person.commit(
    (read, moment) => loadOwnedApiKey(read, command, moment),
    (facts, moment) => decideEndOwnApiKey(facts, command, moment),
  );
  // that it is over already, or somebody else's, is one answer
  if (!outcome.ok) return outcome.error === 'not_found' ? doneAt(PATH, 'gone', server) : fail({ error: outcome.error });
  return doneAt(PATH, outcome.value === 'ended' ? 'api_key_ended' : 'gone', server);
}

/** How long the secret before stays good: a day to bring the new one to where it is used. */
const OVERLAP_SECONDS = 86_400;

async function rotate(id: ApiKeyId | undefined, person: SignedIn, call: Call, server: Server): Promise<Answer> {
  const key = id === undefined ? undefined : await server.store.read.apiKey(id);
  if (key === undefined) return doneAt(PATH, 'gone', server);
  const { text, hash } = makeApiKeyText(key.id, key.environment, server);
  const command = {
    id: key.id,
    account: person.session.accountId,
    secretHash: hash,
    overlapSeconds: OVERLAP_SECONDS,
    adminApi: adminApiOf(server.settings.issuer),
    language: mailLanguageOf(call.request, server),
  };
  const { outcome } = await person.commit(
    (read, moment) => loadOwnedApiKey(read, command, moment),
    (facts, moment) => decideRotateOwnApiKey(facts, command, moment),
  );
  if (outcome.ok) return made(outcome.value, text, person, call, server);
  const isGone = outcome.error === 'not_found' || outcome.error.startsWith('api_key_');
  return isGone ? doneAt(PATH, 'gone', server) : fail({ error: outcome.error });
}

/** The one answer in which the key itself stands. */
function made(key: ApiKey, secret: string, person: SignedIn, call: Call, server: Server): Answer {
  const html = apiKeyMadePage(
    { ...partOf(person, call, server), name: key.name, secret, previousUntil: key.previous?.until },
    wordsFor(call.request, server),
  );
  return ok(accountResponse(html, server));
}

/** The page for a new key, for one API that lets people make them. */
export const newAccountApiKey = accountPage({
  path: NEW,
  summary: 'The page on which the signed-in person makes an API key.',
  needs: 'fresh_session',
  async answer(person, call, server): Promise<Answer> {
    const resource = await offered(call.url.searchParams.get('resource') ?? '', server);
    return resource === undefined
      ? doneAt(PATH, 'gone', server)
      : ok(await newPage(resource, {}, person, call, server));
  },
});

async function offered(text: string, { store: { read } }: Server): Promise<Resource | undefined> {
  const id = parseId('res', text);
  const resource = id === undefined ? undefined : await read.resourceById(id);
  return resource?.hasSelfServiceKeys === true ? resource : undefined;
}

interface Shown {
  readonly error?: ApiKeyError;
  readonly name?: string;
  readonly status?: number;
}

async function newPage(
  { id, name: called, scope }: Resource,
  { status, ...shown }: Shown,
  person: SignedIn,
  call: Call,
  server: Server,
): Promise<Response> {
  const model = { ...partOf(person, call, server), resource: { id, name: called }, scope, ...shown };
  return accountResponse(
    newApiKeyPage(model, wordsFor(call.request, server)),
    server,
    status === undefined ? {} : { status },
  );
}

/** Makes it, and shows it once. @spec ASVS 7.5.3 (APK-06) */
export const createAccountApiKey: Endpoint = accountForm({
  path: NEW,
  page: PATH,
  summary: 'Makes an API key of the signed-in person, which stands in this answer only.',
  needs: 'fresh_session',
  async answer(form, person, call, server): Promise<Answer> {
    const resource = await offered(form.get('resource') ?? '', server);
    if (resource === undefined) return doneAt(PATH, 'gone', server);
    const id = makeId('key', server.now(), server.entropy(10));
    const { text, hash } = makeApiKeyText(id, 'live', server);
    const command = {
      id,
      owner: person.session.accountId,
      name: form.get('name') ?? '',
      resource: resource.identifier,
      scope: resource.scope.filter((name) => form.get(`allow ${name}`) !== undefined),
      secretHash: hash,
      adminApi: adminApiOf(server.settings.issuer),
      language: mailLanguageOf(call.request, server),
    };
    const { outcome } = await person.commit(
      (read, moment) => loadCreateApiKey(read, command, moment),
      (facts, moment) =>
        decideCreateOwnApiKey(facts, { ...command, expiresAt: later(moment.now, secondsOf(form) * 1000) }, moment),
    );
    if (outcome.ok) return made(outcome.value, text, person, call, server);
    return refused({ error: outcome.error }, resource, command.name, person, call, server);
  },
});

/** One of the times that the page offers; what is none of them is the default. */
const secondsOf = (form: Parameters): number =>
  (KEY_DAYS.find((days) => String(days) === form.get('days')) ?? 0) * 86_400 || DURATIONS.apiKeyDefault;

/** The page once more, with what is wrong. */
async function refused(
  refusal: Refusal,
  resource: Resource,
  name: string,
  person: SignedIn,
  call: Call,
  server: Server,
): Promise<Answer> {
  const about = { account: person.session.accountId, resource: resource.id };
  const error: ApiKeyError | undefined =
    refusal.error === 'api_key_terms_invalid' ? 'name' : refusal.error === 'limit_reached' ? 'limit' : undefined;
  if (error === undefined) return fail({ ...refusal, about });
  rememberRefusal({ ...refusal, about }, createAccountApiKey, call, server);
  const { status } = errorRow(refusal.error);
  return ok(await newPage(resource, { error, name: name.slice(0, LIMITS.nameMax), status }, person, call, server));
}
