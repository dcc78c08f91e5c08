import { signOut, takeBack } from './browser.ts';
import { API, CLIENTS, ISSUER, PASSWORD } from './deployment.ts';
import type { Device, Stored } from './device.ts';
import { forget, refresh, signIn } from './device.ts';
import { type Credential, type End, ofFamily, takenBack } from './ends.ts';
import type { Reset } from './guess-rules.ts';
import type { Reply, Watch } from './network.ts';
import { bearer, cookieHeaders, isConfidential, json, logoutRequest, revocationRequest } from './requests.ts';
import type { Person, World } from './world.ts';

/** How long a tab does nothing between two things. */
const PAUSE = 5_000;

/** One tab of a device: it signs in, calls APIs, refreshes, and now and then does what people do. */
export async function runTab(world: World, device: Device): Promise<void> {
  const { random, scheduler } = world;
  for (;;) {
    await scheduler.sleep(random.below(PAUSE));
    if (device.held === undefined) await signIn(world, device);
    else await pickAction(random.next())(world, device, device.held);
  }
}

type Action = (world: World, device: Device, held: Stored) => Promise<void>;

const ACTIONS: readonly (readonly [number, Action])[] = [
  [0.32, callApi],
  [0.3, (world, device) => refresh(world, device)],
  [0.06, (world, device) => refresh(world, device, device.mode === 'shop' ? undefined : ISSUER)],
  [0.08, whoAmI],
  [0.05, logOut],
  [0.03, changePassword],
  [0.03, endAll],
  [0.03, revokeAccess],
  [0.02, revokeFamily],
  [0.08, withdraw],
];

function pickAction(at: number): Action {
  let sum = 0;
  for (const [weight, action] of ACTIONS) {
    sum += weight;
    if (at < sum) return action;
  }
  return callApi;
}

async function callApi(world: World, device: Device): Promise<void> {
  const tokens = device.access.filter(({ aud }) => aud === API.audience);
  if (tokens.length > 0) await world.random.pick(world.apis).use(world.random.pick(tokens), device.name);
}

/** The access token for the server itself, if the device has one. */
const ownToken = ({ access }: Device) => access.findLast(({ aud }) => aud === ISSUER);

async function whoAmI(world: World, device: Device): Promise<void> {
  const token = ownToken(device);
  if (token === undefined) return;
  let arrived = 0;
  const reply = await world.network.ask(json('/api/me', {}, bearer(token.text), 'GET'), {
    arrived() {
      arrived = world.observer.tick();
    },
    left({ status }) {
      const end = world.ends.isEnded(token, arrived);
      if (status === 200 && end !== undefined)
        world.observer.violate('I1', `the server accepted ${token.label} after the answer to: ${end.what}`);
    },
  });
  world.note(device.name, `me with ${token.label} → ${world.outcome(reply)}`);
}

interface Asked {
  readonly what: string;
  readonly request: Request;
  /** The family of the token that is shown. */
  readonly family: string;
  readonly covers: (token: Credential, began: number) => boolean;
  /** The session that ends too, if the family still lives when it comes. */
  readonly session?: string;
}

/** Watches a request that ends something: from its answer on it must have ended. */
function ending({ ends, books, observer }: World, { what, family, covers, session }: Asked): Watch {
  let end: End | undefined;
  let whole: End | undefined;
  return {
    arrived() {
      end = ends.begin(what, covers);
      if (session !== undefined && session !== '') whole = ends.begin(what, ({ sid }) => sid === session);
    },
    left({ status }) {
      // under a key that an older database does not have a token is unknown, and then too the answer is that all is done
      const record = books.families.get(family);
      if (end === undefined || status >= 300 || record === undefined || record.isForgotten) return;
      ends.acknowledge(end);
      if (whole === undefined || record.unanswered.size > 0) return;
      if (ends.isUntouched(ofFamily(record), observer.tick(), [end, whole])) ends.acknowledge(whole);
    },
  };
}

async function end(world: World, device: Device, asked: Asked, watch: Watch = {}): Promise<Reply | undefined> {
  const { arrived, left } = ending(world, asked);
  const reply = await world.network.ask(asked.request, {
    arrived() {
      arrived?.();
      watch.arrived?.();
    },
    left(answer) {
      left?.(answer);
      watch.left?.(answer);
    },
  });
  world.note(device.name, `${asked.what} → ${world.outcome(reply)}`);
  return reply;
}

const labelOf = ({ books }: World, { fid }: Stored): string => books.families.get(fid)?.label ?? '?';

async function logOut(world: World, device: Device, held: Stored): Promise<void> {
  const { browser, person, name } = device;
  if (browser !== undefined && world.random.chance(0.7))
    return signOut(world, { name, person, browser, errand: undefined });
  if (isConfidential(held.mode)) return revokeFamily(world, device, held);
  await end(world, device, {
    what: `logout of ${labelOf(world, held)}`,
    request: logoutRequest(held),
    family: held.fid,
    covers: ({ fid }) => fid === held.fid,
    session: held.sid,
  });
  if (device.held === held) forget(world, device, 'left');
}

async function revokeFamily(world: World, device: Device, held: Stored): Promise<void> {
  await end(world, device, {
    what: `revocation of ${labelOf(world, held)}`,
    request: revocationRequest(held.mode, held.refresh),
    family: held.fid,
    covers: ({ fid }) => fid === held.fid,
  });
}

async function revokeAccess(world: World, device: Device): Promise<void> {
  const token = device.access.at(-1);
  if (token === undefined) return;
  await end(world, device, {
    what: `revocation of ${token.label}`,
    request: revocationRequest(device.mode, token.text),
    family: token.fid,
    covers: ({ jti }) => jti === token.jti,
  });
}

/** Whose tokens a device holds: in a browser it may be somebody else who was signed in. */
const ownerOf = ({ people }: World, { person, access }: Device): Person =>
  people.find(({ sub }) => sub === access.at(-1)?.sub) ?? person;

/** With what a person proves who they are at the first-party API. */
function proofOf(device: Device, held: Stored): Readonly<Record<string, string>> | undefined {
  if (held.mode === 'cookie') return cookieHeaders(held);
  const token = ownToken(device);
  return token === undefined ? undefined : bearer(token.text);
}

async function endAll(world: World, device: Device, held: Stored): Promise<void> {
  const proof = proofOf(device, held);
  if (proof === undefined) return;
  const { sub, name } = ownerOf(world, device);
  await end(world, device, {
    what: `end of all sessions of ${name}`,
    request: json('/api/sessions', {}, proof, 'DELETE'),
    family: held.fid,
    covers: (token, began) => token.sub === sub && token.decided < began,
  });
}

async function changePassword(world: World, device: Device, held: Stored): Promise<void> {
  const person = ownerOf(world, device);
  const proof = proofOf(device, held);
  const current = person.passwords.at(-1);
  if (proof === undefined || current === undefined) return;
  const sid = held.mode === 'cookie' ? held.sid : ownToken(device)?.sid;
  const wanted = `${PASSWORD} ${world.observer.tick()}`;
  const body = { current_password: current, new_password: wanted };
  person.passwords = [...person.passwords, wanted].slice(-2);
  let reset: Reset | undefined;
  const reply = await end(
    world,
    device,
    {
      what: `new password of ${person.name}`,
      request: json('/api/password', body, proof),
      family: held.fid,
      covers: (token, began) => token.sub === person.sub && token.sid !== sid && token.decided < began,
    },
    {
      arrived() {
        reset = world.guesses.reset(person);
      },
      left({ status }) {
        reset?.over();
        if (status < 300) reset?.accepted();
      },
    },
  );
  if (reply !== undefined) person.passwords = [reply.status < 300 ? wanted : current];
}

/** Takes back what was allowed to the client of somebody else. */
async function withdraw(world: World, device: Device, held: Stored): Promise<void> {
  const { browser, person } = device;
  if (browser !== undefined && world.random.chance(0.7))
    return takeBack(world, { name: device.name, person, browser, errand: undefined }, 'shop');
  if (device.mode === 'portal' && ownToken(device) === undefined) await refresh(world, device, ISSUER);
  const proof = proofOf(device, held);
  if (proof === undefined) return;
  const { sub, name } = ownerOf(world, device);
  const { id } = CLIENTS.shop;
  await end(world, device, {
    what: `${name} takes back the consent`,
    request: json(`/api/consents/${id}`, {}, proof, 'DELETE'),
    family: held.fid,
    covers: takenBack(sub, id),
  });
}
