import { identifierOf, parseIdentifier } from '@latchkey/domain/accounts/identifier';
import type { ProfileClaims } from '@latchkey/domain/accounts/profile';
import type { Client } from '@latchkey/domain/clients/client';
import { allow } from '@latchkey/domain/decision';
import { makeId } from '@latchkey/protocol/ids';
import { type TestClock, testClock } from '@latchkey/testkit/clock';
import {
  actionIn,
  addRelyingParty,
  authorizePath,
  CALLBACK,
  createPageBrowser,
  goThrough,
  hiddenIn,
  type PageBrowser,
  redeem,
  requestOf,
  type Visited,
} from '@latchkey/testkit/code-flow';
import { type Answered, PASSWORD, populate, type World } from '@latchkey/testkit/people';
import { startTestServer, type WithSecret } from '@latchkey/testkit/test-server';
import {
  createLocalJWKSet,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';

/** Parameters of an authorization request, where undefined leaves one out. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** Somebody of whom the server knows a name and an address. */
export const PERSON = { username: 'dora', email: 'dora@example.org' } as const;

/** What else is known of them: every claim of the scopes profile, address and phone. */
export const PROFILE = {
  name: 'Dora Explorer',
  given_name: 'Dora',
  family_name: 'Explorer',
  middle_name: 'Márquez',
  nickname: 'Dorita',
  profile: 'https://dora.example',
  picture: 'https://dora.example/dora.png',
  website: 'https://dora.example/home',
  gender: 'female',
  birthdate: '2000-08-14',
  zoneinfo: 'America/Mexico_City',
  locale: 'es-MX',
  phone_number: '+525512345678',
  address: { formatted: 'Calle 1\nMéxico', locality: 'México', country: 'MX' },
  phone_number_verified: true,
} as const satisfies ProfileClaims;

/** The scopes of a client that may ask for all there is to know of a person. */
const SCOPE = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'] as const;

/** An ID token whose signature, issuer, audience and expiry are proven. */
export interface ProvenIdToken {
  readonly claims: JWTPayload;
  readonly header: ProtectedHeaderParameters;
}

/** What the suite has before the first module of a plan: a server, a person and two clients that send no PKCE. */
export interface Plan {
  readonly world: World;
  readonly clock: TestClock;
  readonly personId: string;
  readonly client: WithSecret<Client>;
  readonly second: WithSecret<Client>;
  newBrowser(): PageBrowser;
  /** The path of an authorization request of the first client. */
  path(more?: Parameters, of?: WithSecret<Client>): string;
  /** Sends an authorization request and shows what comes first. */
  visit(browser: PageBrowser, more?: Parameters, of?: WithSecret<Client>): Promise<Visited>;
  /** Reads what a browser brings to the client, in the response mode of the plan and in no other. */
  answerOf(seen: Visited): Answer;
  /** Goes through the pages that follow, as the person. */
  goOn(browser: PageBrowser, seen: Visited): Promise<Answer>;
  /** Both at once. */
  authorize(browser: PageBrowser, more?: Parameters, of?: WithSecret<Client>): Promise<Answer>;
  redeem(answer: Answer, of?: WithSecret<Client>): Promise<Answered>;
  /** The whole flow. */
  tokens(browser: PageBrowser, more?: Parameters, of?: WithSecret<Client>): Promise<Answered>;
  prove(tokens: Answered, of?: WithSecret<Client>): Promise<ProvenIdToken>;
  userinfo(tokens: Answered): Promise<Answered>;
  keys(): Promise<JSONWebKeySet>;
  close(): Promise<void>;
}

/** What the client is told at its redirect URI; empty when it is told nothing. */
export type Answer = Readonly<Record<string, string>>;

const inQuery = ({ location = '' }: Visited): Answer =>
  location.startsWith(`${CALLBACK}?`) ? Object.fromEntries(new URL(location).searchParams) : {};
const inForm = ({ text }: Visited): Answer => (actionIn(text) === CALLBACK ? hiddenIn(text) : {});

/** Starts the world of a plan, whose requests all have these parameters. */
export async function startPlan(
  always: Parameters = {},
  given: Partial<Client> = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<Plan> {
  const clock = testClock();
  const world = await populate(await startTestServer({ now: clock.now, settings }));
  const personId = await addPerson(world);
  const exempted = { requiresPkce: false, scope: SCOPE, ...given };
  const client = await addRelyingParty(world, exempted);
  const second = await addRelyingParty(world, exempted);
  const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined, ...always };
  const answerOf = always.response_mode === 'form_post' ? inForm : inQuery;
  let visitors = 0;

  const path: Plan['path'] = (more = {}, of = client) =>
    authorizePath(requestOf(of.row, '', { ...withoutPkce, ...more }));
  const visit: Plan['visit'] = (browser, more, of) => browser.get(path(more, of));
  const goOn: Plan['goOn'] = async (browser, seen) =>
    answerOf(await goThrough(browser, seen, { username: PERSON.username }));
  const authorize: Plan['authorize'] = async (browser, more, of) => goOn(browser, await visit(browser, more, of));
  const redeemAnswer: Plan['redeem'] = ({ code = '' }, of = client) => {
    world.at.secrets.add('authorization code', code);
    return redeem(world, of, { code });
  };
  const keys: Plan['keys'] = async () => (await world.at.fetch('/.well-known/jwks.json')).json();

  return {
    world,
    clock,
    personId,
    client,
    second,
    newBrowser: () => createPageBrowser(world.at, `198.51.100.${++visitors % 250}`),
    path,
    visit,
    answerOf,
    goOn,
    authorize,
    redeem: redeemAnswer,
    tokens: async (browser, more, of) => redeemAnswer(await authorize(browser, more, of), of),
    keys,
    async prove({ body }, of = client) {
      const { payload, protectedHeader } = await jwtVerify(String(body.id_token), createLocalJWKSet(await keys()), {
        issuer: world.at.issuer,
        audience: of.row.id,
        currentDate: new Date(clock.now()),
      });
      return { claims: payload, header: protectedHeader };
    },
    userinfo: ({ body }) => world.get('/oauth/userinfo', { authorization: `Bearer ${body.access_token}` }),
    close: () => world.at.close(),
  };
}

async function addPerson({ at: { server } }: World): Promise<string> {
  const id = makeId('acc', server.now(), server.entropy(10));
  const phc = await server.passwords.hash(PASSWORD);
  const identifiers = Object.values(PERSON).flatMap((name) => parseIdentifier(name) ?? []);
  if (!phc.ok) throw new Error('the person cannot be made');
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) =>
      allow(undefined, [
        {
          kind: 'account.create',
          account: { id, version: 1, createdAt: now, disabledAt: undefined, cutOff: undefined },
          identifiers: identifiers.map((parsed) => identifierOf(parsed, id)),
        },
        { kind: 'password.set', id, phc: phc.value, at: now },
        { kind: 'profile.set', profile: { accountId: id, version: 1, claims: PROFILE, updatedAt: now } },
      ]),
  );
  return id;
}
