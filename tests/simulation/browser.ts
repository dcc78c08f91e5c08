import { SESSION_COOKIE } from '@latchkey/server/http/browser-cookies';
import { actionIn, hiddenIn } from '@latchkey/testkit/page-form';
import type { CodeMode } from './books.ts';
import { codeIn, type Deed, type Errand } from './browser-rules.ts';
import { ISSUER } from './deployment.ts';
import type { Reply } from './network.ts';
import { clientOf, pageForm, pageVisit } from './requests.ts';
import type { Person, World } from './world.ts';

/** A browser that people share: its cookies are all that it knows. */
export interface Browser {
  readonly cookies: Map<string, string>;
}

/** Somebody who has come to a browser for something. */
export interface Visitor {
  readonly name: string;
  readonly person: Person;
  readonly browser: Browser;
  readonly errand: Errand | undefined;
}

/** By this a browser is known as one in which somebody has signed in before: a lock shuts nobody out of it. */
const DEVICE_COOKIE = '__Host-latchkey-device';

type Fields = Readonly<Record<string, string>>;

/** How long somebody looks at a page. */
const LOOK = 400;
/** Pages on the way of one login, with all that goes wrong on it. */
const PAGES_MAX = 9;

/** Who presses a button twice, or once more when nothing comes. */
const TWICE = 0.15;
const AGAIN = 0.5;

/** Asks the server by way of a browser, which brings its cookies and takes others. */
async function ask(world: World, visitor: Visitor, url: string, fields?: Fields, deed: Deed = { kind: 'look' }) {
  const { browser, errand } = visitor;
  const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ');
  const request = fields === undefined ? pageVisit(url, cookie) : pageForm(url, fields, cookie);
  const step = {
    cookie: browser.cookies.get(SESSION_COOKIE),
    isKnown: browser.cookies.has(DEVICE_COOKIE),
    deed,
    errand,
  };
  const reply = await world.network.ask(request, world.browsing.watch(step));
  for (const [name, value] of Object.entries(reply?.cookies ?? {})) {
    if (value === '') browser.cookies.delete(name);
    else browser.cookies.set(name, value);
  }
  return reply;
}

/** Sends the form of a page, now and then twice at once, or once more where no answer comes. */
async function submit(world: World, visitor: Visitor, page: string, typed: Fields, deed: Deed) {
  const { random } = world;
  const send = () => ask(world, visitor, actionIn(page), { ...hiddenIn(page), ...typed }, deed);
  const other = random.chance(TWICE) ? send() : undefined;
  const reply = (await send()) ?? (random.chance(AGAIN) ? await send() : undefined);
  return (await other) ?? reply;
}

/** Goes from page to page until the answer of the login comes; undefined when there is none. */
export async function bringCode(world: World, visitor: Visitor, first: string): Promise<string | undefined> {
  let url = first;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const shown = await ask(world, visitor, url);
    await world.scheduler.sleep(world.random.below(LOOK));
    const seen = shown?.location === undefined && shown?.status === 200 ? await answer(world, visitor, shown) : shown;
    if (seen?.location === undefined) return undefined;
    if (!seen.location.startsWith(ISSUER)) return codeIn(seen);
    url = seen.location;
  }
  return undefined;
}

/** Does on a page what it asks for. */
async function answer(world: World, visitor: Visitor, { page }: Reply): Promise<Reply | undefined> {
  const { random } = world;
  if (page.includes('name="password"')) return signIn(world, visitor, page);
  if (page.includes('name="decision"')) {
    const isAllowed = random.chance(0.85);
    const deed: Deed = { kind: isAllowed ? 'allow' : 'look' };
    const reply = await submit(world, visitor, page, { decision: isAllowed ? 'allow' : 'deny' }, deed);
    world.note(visitor.name, `${isAllowed ? 'allows' : 'denies'} → ${world.outcome(reply)}`);
    return reply;
  }
  const session = /name="session" value="([^"]*)"/.exec(page)?.[1];
  const isOther = session === undefined || random.chance(0.5);
  return submit(world, visitor, page, isOther ? { other: '1' } : { session }, { kind: 'look' });
}

async function signIn(world: World, visitor: Visitor, page: string): Promise<Reply | undefined> {
  const { name, person } = visitor;
  for (const password of person.passwords.toReversed()) {
    const deed: Deed = { kind: 'sign_in', person };
    const reply = await submit(world, visitor, page, { username: person.name, password }, deed);
    world.note(name, `${person.name} signs in → ${world.outcome(reply)}`);
    if (reply === undefined || reply.location !== undefined) return reply;
  }
  return undefined;
}

/** Takes back what was allowed to a client, on the page that lists it. */
export async function takeBack(world: World, visitor: Visitor, mode: CodeMode): Promise<void> {
  const { id, name } = clientOf(mode);
  const shown = await ask(world, visitor, `${ISSUER}/account/applications`);
  if (shown?.page.includes(`name="client" value="${id}"`) !== true) return;
  await world.scheduler.sleep(world.random.below(LOOK));
  const reply = await submit(world, visitor, shown.page, { client: id }, { kind: 'take_back', client: id });
  world.note(visitor.name, `takes back what ${name} was allowed → ${world.outcome(reply)}`);
}

/** Signs out in the browser, by the page that asks. */
export async function signOut(world: World, visitor: Visitor): Promise<void> {
  const shown = await ask(world, visitor, `${ISSUER}/oauth/logout?client_id=${clientOf('portal').id}`);
  if (shown?.page.includes('value="sign-out"') !== true) return;
  await world.scheduler.sleep(world.random.below(LOOK));
  const reply = await submit(world, visitor, shown.page, { decision: 'sign-out' }, { kind: 'sign_out' });
  world.note(visitor.name, `signs out → ${world.outcome(reply)}`);
}
