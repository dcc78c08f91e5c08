import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { startBackendSession } from './backend.ts';
import { type AccessRecord, isByCode, type Mode, type Tokens } from './books.ts';
import type { Browser } from './browser.ts';
import type { Reset } from './guess-rules.ts';
import { PATIENCE, type Reply } from './network.ts';
import { tokensOf } from './refresh-rules.ts';
import { signInByCode } from './relying-party.ts';
import { type Held, isBare, loginRequest, refreshRequest } from './requests.ts';
import type { Person, World } from './world.ts';

/** What a device's tabs share: the refresh token, and what they know of it. */
export interface Stored extends Held {
  readonly fid: string;
  readonly sid: string;
  readonly since: number;
  /** The client's own random id for the exchange of this token. */
  readonly attempt: string | undefined;
  /** When the first of them began to exchange it. */
  tryingSince: number | undefined;
}

/** A browser profile, an app or a backend of one person, with one storage for all of its tabs. */
export interface Device {
  readonly name: string;
  readonly person: Person;
  readonly mode: Mode;
  /** It refreshes again whenever it likes, and so may come too late with a token of two generations ago. */
  readonly isEager: boolean;
  /** In which the person signs in, where it is on the pages. */
  readonly browser: Browser | undefined;
  held: Stored | undefined;
  /** The access tokens that it has, newest last. */
  access: AccessRecord[];
  isBusy: boolean;
}

/** From the last begin of an attempt to the decision on it, at the most. */
const UNDER_WAY = 1_000;

export async function signIn(world: World, device: Device): Promise<void> {
  if (device.isBusy) return;
  device.isBusy = true;
  try {
    const found = await wayIn(device.mode)(world, device);
    if (found === undefined) return;
    const { tokens, csrf } = found;
    store(world, device, tokens, csrf);
    world.note(device.name, `signed in: ${world.books.refreshTokens.get(tokens.refresh)?.family.label}`);
  } finally {
    device.isBusy = false;
  }
}

/** How people come to tokens at a client of this kind. */
function wayIn(mode: Mode): (world: World, device: Device) => Promise<SignedIn | undefined> {
  if (isByCode(mode)) return signInByCode;
  return mode === 'confidential' || mode === 'keep' ? signInAtBackend : signInByPassword;
}

export interface SignedIn {
  readonly tokens: Tokens;
  readonly csrf: string;
}

async function signInAtBackend(world: World, { person, mode }: Device): Promise<SignedIn | undefined> {
  try {
    const tokens = world.node.isUp ? await startBackendSession(world, person, mode) : undefined;
    return tokens === undefined ? undefined : { tokens, csrf: '' };
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}

async function signInByPassword(world: World, { name, person, mode }: Device): Promise<SignedIn | undefined> {
  for (const password of person.passwords.toReversed()) {
    let arrived = 0;
    let decided: number | undefined;
    let reset: Reset | undefined;
    const reply = await world.network.ask(loginRequest(person.name, password, mode), {
      arrived() {
        arrived = world.observer.tick();
        reset = world.guesses.reset(person);
      },
      decided() {
        decided = world.observer.tick();
      },
      left(answer) {
        reset?.over();
        const tokens = answer.status === 200 ? tokensOf(answer) : undefined;
        if (tokens === undefined) return;
        reset?.accepted();
        world.books.begin(tokens, mode, world.overlap, { arrived, decided: decided ?? arrived });
        if ((person.disabledSince ?? Number.POSITIVE_INFINITY) < arrived)
          world.observer.violate('I1', `${person.name} signed in though the account is disabled`);
      },
    });
    const tokens = reply === undefined ? undefined : tokensOf(reply);
    if (reply !== undefined && tokens !== undefined) return { tokens, csrf: String(reply.body.csrf_token ?? '') };
    world.note(name, `login → ${world.outcome(reply)}`);
    if (reply === undefined) return undefined;
  }
  return undefined;
}

function store(world: World, device: Device, { access, refresh }: Tokens, csrf: string): void {
  const token = world.books.accessTokens.get(access);
  if (token === undefined) return;
  device.access = [...device.access.slice(-3), token];
  const { mode } = device;
  const isOwn = token.aud === world.node.server.settings.issuer;
  const attempt = mode === 'attempt' ? world.random.next().toString(36) : undefined;
  const since = world.scheduler.now();
  if (isOwn) device.access = [token, ...device.access.slice(0, -1)];
  device.held = { mode, refresh, csrf, attempt, since, fid: token.fid, sid: token.sid, tryingSince: undefined };
}

/** Exchanges the refresh token, by the rules: no repeat that the overlap may not cover, and then a new login. */
export async function refresh(world: World, device: Device, resource?: string): Promise<void> {
  const { held, mode } = device;
  const isAlone = isBare(mode) || mode === 'attempt';
  if (held === undefined || (isAlone && device.isBusy)) return;
  const rest = world.overlap + 2 * UNDER_WAY + PATIENCE;
  if (!device.isEager && world.scheduler.now() - held.since < rest && held.tryingSince === undefined) return;
  if (isAlone) device.isBusy = true;
  try {
    while (device.held === held && mayTry(world, held)) {
      held.tryingSince ??= world.scheduler.now();
      const reply = await world.network.ask(
        refreshRequest(held, held.attempt, resource),
        world.rules.watch(held.refresh, held.attempt, true),
      );
      if (take(world, device, held, reply)) return;
      await world.scheduler.sleep(world.random.below(400));
    }
    if (device.held === held) forget(world, device, 'gave up');
  } finally {
    if (isAlone) device.isBusy = false;
  }
}

function mayTry({ scheduler, overlap }: World, { mode, tryingSince }: Stored): boolean {
  if (tryingSince === undefined || mode === 'keep') return true;
  return !isBare(mode) && scheduler.now() - tryingSince < overlap - UNDER_WAY;
}

/** Says whether the exchange is over, well or badly. */
function take(world: World, device: Device, held: Stored, reply: Reply | undefined): boolean {
  const { label, age } = nameOf(world, held);
  world.note(device.name, `refresh ${label}.${age} → ${world.outcome(reply)}`);
  const tokens = reply?.status === 200 ? tokensOf(reply) : undefined;
  if (reply !== undefined && tokens !== undefined) {
    if (device.held === held) store(world, device, tokens, String(reply.body.csrf_token ?? held.csrf));
    return true;
  }
  if (reply?.body.error !== 'invalid_grant') return false;
  checkLockOut(world, device, held);
  if (device.held === held) forget(world, device, 'locked out');
  return true;
}

/** Whoever keeps to the rules, and was not robbed, is never taken for a thief. */
function checkLockOut(world: World, device: Device, held: Stored): void {
  const family = world.books.families.get(held.fid);
  if (family === undefined || family.isRobbed || family.isForgotten || device.isEager) return;
  if (world.scheduler.now() - world.clockSetAt < 2 * world.overlap + 10_000) return;
  const ended = world.database.memory.committed.families.get(held.fid)?.ended;
  if (ended?.reason === 'refresh_token_reused')
    world.observer.violate('L', `${device.name} kept to the rules and was taken for a thief of ${family.label}`);
}

export function forget(world: World, device: Device, why: string): void {
  if (device.held !== undefined) world.note(device.name, `${why}: ${nameOf(world, device.held).label}`);
  device.held = undefined;
}

function nameOf({ books }: World, { refresh: text }: Stored): { readonly label: string; readonly age: number } {
  const record = books.refreshTokens.get(text);
  return { label: record?.family.label ?? '?', age: record?.age ?? 0 };
}
