import { askedByRoles } from '@latchkey/domain/administration/roles-of-admin-api';
import { askedOf, loadResources, resourcesOf } from '@latchkey/domain/authorization/asked';
import { type Asked, covers } from '@latchkey/domain/authorization/consent';
import type { Session } from '@latchkey/domain/login/session';
import { consentPage } from '@latchkey/pages/consent';
import { LIMITS } from '@latchkey/protocol/limits';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { adminApiOf } from '../../bootstrap.ts';
import { pageResponse, seeOther, themeOf, wordsFor } from '../../http/page.ts';
import { goOn, placeOf } from '../../login/go-on.ts';
import {
  askedByClient,
  findWaiting,
  formActionOf,
  hiddenOf,
  labelOf,
  localesOf,
  readWaitingForm,
  type WaitingClient,
} from '../../login/waiting.ts';
import type { Answer, Endpoint, Refusal, Server } from '../../server.ts';

const CONSENT = { path: '/consent', credentials: ['none'], wording: 'page', cors: 'none' } as const;
const DAY = 86_400;

/** The page that asks what a client may do. @spec OIDC Core §3.1.2.4; ASVS 10.7.2 (AUT-12) */
export const consentForm: Endpoint = {
  ...CONSENT,
  method: 'GET',
  summary: 'The page that asks whether a client may have what it asks for.',
  bodyMax: 0,
  async answer(call, server): Promise<Answer> {
    const found = await findWaiting(call.url.searchParams.get('login') ?? undefined, call, server);
    const waiting = found.ok ? askedByClient(found.value) : found;
    if (!waiting.ok) return waiting;
    const { session, client, attempt } = waiting.value;
    if (session === undefined) return ok(seeOther(placeOf('/signin', attempt, server)));
    const asked = await askedIn(waiting.value, session, server);
    if (!asked.ok) return asked;
    const { scope, resources } = asked.value;
    const isOffline = scope.includes('offline_access');
    const days = Math.ceil(server.settings.bodyAbsoluteSeconds / DAY);
    const html = consentPage(
      {
        theme: themeOf(server),
        action: `${server.settings.issuer}/consent`,
        hidden: hiddenOf(waiting.value, server),
        accountLabel: await labelOf(session, server),
        clientName: client.name,
        clientHost: hostOf(attempt.request.redirectUri),
        scopes: scope,
        resources: await namesOf(resources, server),
        lifetime: isOffline ? { kind: 'offline', days } : { kind: 'session' },
        isReturning: covers(await server.store.read.consent(session.accountId, client.id), asked.value),
      },
      wordsFor(call.request, server, localesOf(waiting.value)),
    );
    return ok(pageResponse(html, server, { formAction: formActionOf(waiting.value) }));
  },
};

/** What somebody decided there. */
export const consent: Endpoint = {
  ...CONSENT,
  method: 'POST',
  summary: 'Takes the decision of that page.',
  bodyMax: LIMITS.bodyBytesMax,
  async answer(call, server): Promise<Answer> {
    const sent = await readWaitingForm(call, consent.bodyMax, server);
    if (!sent.ok) return sent;
    const { form, waiting } = sent.value;
    const { attempt, browser } = waiting;
    const said = form.get('decision') === 'allow' ? 'allow' : 'deny';
    return goOn(
      { login: { waiting: { id: attempt.id, browser: browser.hash } }, said, browser },
      call,
      consent,
      server,
    );
  },
};

async function askedIn(
  { attempt, client }: WaitingClient,
  { accountId }: Session,
  server: Server,
): Promise<Result<Asked, Refusal>> {
  const issuer = server.settings.issuer as ResourceIdentifier;
  const adminApi = adminApiOf(issuer);
  const resources = await loadResources(server.store.read, resourcesOf(attempt.request, client, issuer));
  const asked = askedOf(attempt.request, client, resources, issuer);
  const about = { client: client.id };
  if (!asked.ok) return fail({ error: asked.error, about });
  const roles = await server.store.read.roles(accountId, adminApi);
  const allowable = askedByRoles(asked.value, resources, roles, adminApi);
  return allowable === undefined ? fail({ error: 'admin_role_missing', about }) : ok(allowable);
}

/** Where an answer leads: a host, or the scheme of an app. */
export const hostOf = (redirectUri: string): string => {
  const { host, protocol } = new URL(redirectUri);
  return host === '' ? protocol : host;
};

/** The APIs among the resources, by what an administrator called them. The server itself is no API. */
export async function namesOf(resources: readonly ResourceIdentifier[], server: Server): Promise<readonly string[]> {
  const rows = await loadResources(server.store.read, resources);
  return rows
    .filter(({ identifier }) => identifier !== server.settings.issuer)
    .map(({ name, identifier }) => `${name} (${identifier})`);
}
