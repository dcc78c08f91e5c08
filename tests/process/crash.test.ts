import { randomInt } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Random, seededRandom } from '../simulation/random.ts';
import { type Connection, claimsOf, connect, type Deployment, deploy } from './crash-client.ts';
import { type Device, ENDINGS, live, logIn, refresh, succeed, WrongAnswer } from './crash-device.ts';
import { openPlace, type Place, type Said } from './server-process.ts';

/**
 * The process dies by SIGKILL under load, again and again, at moments that a seed chooses. `LATCHKEY_CRASH_ROUNDS=500`
 * runs for longer, `LATCHKEY_CRASH_SEED` repeats the choices (not the scheduling of the machine).
 */
const ROUNDS = Number(process.env.LATCHKEY_CRASH_ROUNDS ?? 5);
const SEED = Number(process.env.LATCHKEY_CRASH_SEED ?? randomInt(2 ** 31));
/** New logins a round, and the most that live at a time: an account has a hundred sessions at most. */
const LOGINS = 10;
const DEVICES_MAX = 60;
/** How often a device is looked for after its end. */
const CHECKS_AFTER_END = 3;
/** The process dies at most so many acknowledgements, and so many milliseconds more, after the load has begun. */
const MOMENT = { acknowledgements: 250, milliseconds: 12 };
const [NAME, PASSWORD] = ['crash', 'a passphrase that outlives the process'];
/** A repeat of a refresh without an answer is allowed for as long as a restart may take. */
const OVERLAP_MILLISECONDS = 30_000;
const ENV = {
  LATCHKEY_REFRESH_OVERLAP_MS: String(OVERLAP_MILLISECONDS),
  LATCHKEY_TRUSTED_PROXIES: '127.0.0.1,::1',
};
/** Audit events of which each goes with one event of the log, and what of their subject that event names. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  logout: ['session'],
  'session.ended': ['session'],
  'family.ended': ['family'],
  'refresh_token.reused': ['family'],
  'token.revoked': ['token', 'family'],
};

let place: Place;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place.close());

test(`I1, I6, I10: a server that is killed under load loses nothing that it has acknowledged (seed ${SEED})`, {
  timeout: 60_000 + ROUNDS * 30_000,
}, async () => {
  const random = seededRandom(SEED);
  const first = await place.serve(['--dev'], ENV);
  const deployment = await deploy(place, NAME, PASSWORD);
  await kill(first);
  let devices: readonly Device[] = [];
  const everyone = new Set<Device>();

  for (let round = 0; round < ROUNDS; round++) {
    devices = await oneRound(devices, deployment, random);
    for (const device of devices) everyone.add(device);
    devices = devices.filter(({ checksAfterEnd }) => checksAfterEnd < CHECKS_AFTER_END);
  }

  const last = await place.serve(['--dev'], ENV);
  await checkAll(devices, await connect(place, deployment), random);
  last.child.kill('SIGTERM');
  expect(await last.ended()).toBe(0);
  checkFile(place.database);
  const sum = (of: (device: Device) => number) => [...everyone].reduce((total, device) => total + of(device), 0);
  const seen = {
    rotations: sum(({ rotations }) => rotations),
    ends: sum(({ ending }) => (ending === undefined ? 0 : 1)),
    tokens: sum(({ revoked }) => revoked.length),
  };
  expect(seen.rotations > 10 * ROUNDS && seen.ends > 0 && seen.tokens > 0, JSON.stringify(seen)).toBe(true);
});

/** Starts the server, looks for everything that it has acknowledged, loads it, and kills it. */
async function oneRound(known: readonly Device[], deployment: Deployment, random: Random) {
  const server = await place.serve(['--dev'], ENV);
  const at = await connect(place, deployment);
  await checkAll(known, at, random);
  const living = known.filter(({ ending }) => ending === undefined);
  const fresh = await Promise.all(
    Array.from({ length: Math.min(LOGINS, DEVICES_MAX - living.length) }, () => logIn(at, NAME, PASSWORD)),
  );
  const loaded = [...living, ...fresh];
  const late: Device[] = [];
  const { acknowledged, reached } = countdown(1 + random.below(MOMENT.acknowledgements));
  const load = Promise.all([
    ...loaded.map((device) => live(device, at, random, random.pick(ENDINGS), acknowledged)),
    logInMeanwhile(at, late),
  ]);
  load.catch(() => undefined); // it is awaited when the server is dead
  await Promise.race([reached, load]);
  await new Promise((resolve) => setTimeout(resolve, random.below(MOMENT.milliseconds)));
  await kill(server);
  await load;
  return [...known, ...fresh, ...late];
}

function countdown(from: number): { readonly acknowledged: () => void; readonly reached: Promise<void> } {
  let left = from;
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const acknowledged = () => {
    left -= 1;
    if (left <= 0) reach();
  };
  return { acknowledged, reached };
}

/** Logins go on while the others refresh, a few of them. */
async function logInMeanwhile(at: Connection, into: Device[]): Promise<void> {
  try {
    while (into.length < 3) into.push(await logIn(at, NAME, PASSWORD));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the server has gone
  }
}

async function kill({ child, ended }: Said): Promise<void> {
  child.kill('SIGKILL');
  expect(await ended()).toBe('SIGKILL');
}

async function checkAll(devices: readonly Device[], at: Connection, random: Random): Promise<void> {
  await Promise.all(devices.map((device) => checkOne(device, at, random)));
  await checkEvents(devices, at);
}

async function checkOne(device: Device, at: Connection, random: Random): Promise<void> {
  await settle(device, at);
  if (device.ending !== undefined) await checkEnded(device, at);
  else await checkLiving(device, at, random);
  for (const token of device.revoked) expect(await at.isActive(token)).toBe(false);
}

/** Finds out what became of the request that nobody had an answer to. Either is right, but not something in between. */
async function settle(device: Device, at: Connection): Promise<void> {
  if (device.pending !== undefined) return repeat(device, device.pending, at);
  if (device.ending === undefined || device.ending.isAcknowledged) return;
  const asked = await at.refresh(device.refresh);
  if (asked.status !== 200) device.ending.isAcknowledged = true;
  else {
    device.ending = undefined;
    succeed(device, device.refresh, asked);
  }
}

/** A repeat gets the same successor, or the first one now; only one that comes too late is a theft. */
async function repeat(device: Device, { sentAt }: NonNullable<Device['pending']>, at: Connection): Promise<void> {
  try {
    await refresh(device, at);
  } catch (error) {
    if (!(error instanceof WrongAnswer) || Date.now() - sentAt < OVERLAP_MILLISECONDS) throw error;
    device.pending = undefined;
    device.ending = { how: 'theft', isAcknowledged: true };
  }
}

async function checkEnded(device: Device, at: Connection): Promise<void> {
  device.checksAfterEnd += 1;
  const refused = { status: 400, body: { error: 'invalid_grant' } };
  expect(await at.refresh(device.refresh), device.ending?.how).toMatchObject(refused);
  expect(await at.isActive(device.access), device.ending?.how).toBe(false);
}

/** What was acknowledged last works; now and then, what it has replaced is a theft. */
async function checkLiving(device: Device, at: Connection, random: Random): Promise<void> {
  await refresh(device, at);
  expect(await at.isActive(device.access)).toBe(true);
  if (!random.chance(0.15)) return;
  expect(await at.refresh(device.spent ?? '')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  device.ending = { how: 'theft', isAcknowledged: true };
  await checkEnded(device, at);
}

/** Every end is in the log, and each event of the log has one audit row of its own. */
async function checkEvents(devices: readonly Device[], at: Connection): Promise<void> {
  const events = await at.events();
  const named = new Set(events.map(({ id }) => id));
  const now = Date.now() / 1000;
  for (const device of devices) {
    if (device.ending !== undefined)
      expect(named.has(device.sid) || named.has(device.fid), device.ending.how).toBe(true);
    for (const claims of device.revoked.map(claimsOf).filter(({ exp }) => exp > now))
      expect(named.has(claims.jti)).toBe(true);
  }
  expect((await auditedEnds(at)).sort()).toEqual(events.map(({ id }) => id).sort());
}

/** The ids whose ends stand in the audit log. */
async function auditedEnds(at: Connection): Promise<string[]> {
  const ids: string[] = [];
  let next = '';
  do {
    const { body } = await at.admin('GET', `/audit?limit=200${next}`);
    for (const { event, subject } of body.items) {
      const kind = ENDS[event]?.find((one) => one in subject);
      if (kind !== undefined) ids.push(subject[kind]);
    }
    next = body.next === undefined ? '' : `&before=${body.next}`;
  } while (next !== '');
  return ids;
}

/** The file itself is whole, and its numbers are those of its rows. */
function checkFile(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true });
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  const { seq, last } = database.prepare('SELECT seq, (SELECT max(seq) FROM revocations) last FROM state').get() ?? {};
  expect(seq).toBe(last);
  database.close();
}
