import {
  type DisableAccountCommand,
  decideDisableAccount,
  decideEnableAccount,
  loadDisableAccount,
  loadEnableAccount,
} from '@latchkey/domain/accounts/disable-account';
import { decideSetPassword, loadSetPassword, type SetPasswordCommand } from '@latchkey/domain/accounts/set-password';
import { decideEndSession, loadEndSession } from '@latchkey/domain/administration/end-session';
import { decideDeleteClient, loadDeleteClient } from '@latchkey/domain/clients/delete-client';
import { decideRotation, loadRing, type RotationCommand } from '@latchkey/domain/keys/rotation';
import { StoreUnavailable } from '@latchkey/domain/ports/store';
import type { SessionId } from '@latchkey/protocol/types';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { endFamiliesUnder, rotateMacKeys } from '@latchkey/server/keys/rotate-mac';
import { accountOf, CLIENTS, ISSUER, PASSWORD, phcOf, signingKey } from './deployment.ts';
import type { Credential } from './ends.ts';
import type { World } from './world.ts';

const administrator = { id: 'cli_admin', scope: [] };
const PAUSE = 12_000;

/** Does what administrators do, now and then, by the domain's own decisions. */
export async function runAdministrator(world: World): Promise<void> {
  const { random, scheduler } = world;
  for (;;) {
    await scheduler.sleep(random.below(PAUSE));
    const action = random.pick(ACTIONS);
    try {
      if (world.node.isUp) await action(world);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      world.note('admin', 'failed');
    }
  }
}

/** Asks for an end, and notes that it must hold once it is answered. */
async function end(
  world: World,
  what: string,
  covers: (token: Credential, began: number) => boolean,
  work: () => Promise<{ readonly ok: boolean }>,
): Promise<boolean> {
  const asked = world.ends.begin(what, covers);
  const { ok } = await work();
  if (ok) world.ends.acknowledge(asked);
  world.note('admin', `${what} → ${ok ? 'done' : 'refused'}`);
  return ok;
}

async function disable(world: World): Promise<void> {
  const person = world.random.pick(world.people);
  const command: DisableAccountCommand = {
    administrator,
    id: accountOf(person.name),
    adminApi: adminApiOf(ISSUER),
  };
  const covers = (token: Credential, began: number) => token.sub === person.sub && token.decided < began;
  const isDone = await end(world, `disable ${person.name}`, covers, async () => {
    const { outcome } = await world.node.server.commit(
      (read, moment) => loadDisableAccount(read, command, moment),
      (facts, moment) => decideDisableAccount(facts, command, moment),
    );
    return outcome;
  });
  if (isDone) person.disabledSince = world.observer.tick();
  await world.scheduler.sleep(world.random.below(6_000));
  person.disabledSince = undefined;
  await world.node.server.commit(
    (read) => loadEnableAccount(read, command),
    (facts, moment) => decideEnableAccount(facts, command, moment),
  );
  world.note('admin', `enable ${person.name}`);
}

/** As for somebody who cannot sign in any more. */
async function setPassword(world: World): Promise<void> {
  const { random, people, observer, node, guesses } = world;
  const person = random.pick(people);
  const wanted = `${PASSWORD} ${observer.tick()}`;
  const command: SetPasswordCommand = {
    administrator,
    id: accountOf(person.name),
    phc: phcOf(wanted),
    adminApi: adminApiOf(ISSUER),
    language: undefined,
  };
  person.passwords = [...person.passwords, wanted].slice(-2);
  const covers = (token: Credential, began: number) => token.sub === person.sub && token.decided < began;
  const reset = guesses.unlock(person);
  await end(world, `set the password of ${person.name}`, covers, async () => {
    const { outcome } = await node.server.commit(
      (read, moment) => loadSetPassword(read, command.id, moment),
      (facts, moment) => decideSetPassword(facts, command, moment),
    );
    return outcome;
  });
  reset.over();
  person.passwords = [wanted];
}

async function endSession(world: World): Promise<void> {
  const families = [...world.books.families.values()].filter(({ sid: id }) => id !== '');
  if (families.length === 0) return;
  const { sid, label } = world.random.pick(families);
  const command = { administrator, id: sid as SessionId };
  await end(
    world,
    `end the session of ${label}`,
    (token) => token.sid === sid,
    async () => {
      const { outcome } = await world.node.server.commit(
        (read) => loadEndSession(read, command),
        (session, moment) => decideEndSession(session, command, moment),
      );
      return outcome;
    },
  );
}

async function rotateMac(world: World): Promise<void> {
  const { ok } = await rotateMacKeys(world.node.server, { action: 'rotate' }, 'cli_admin');
  world.note('admin', `rotate the MAC key → ${ok}`);
}

async function revokeMac(world: World): Promise<void> {
  if (!world.random.chance(0.3)) return;
  const { server } = world.node;
  const id = (await server.store.read.macKeys()).find(({ state }) => state !== 'revoked')?.id ?? 1;
  // families end that are under it now; which of those that ever were, nobody outside knows
  const { books, ends } = world;
  const isUnder = (family: string) =>
    [...books.refreshTokens.values()].some((one) => one.macKey === id && one.family.fid === family);
  ends.begin(`families under MAC key ${id}`, ({ fid }) => isUnder(fid));
  await end(
    world,
    `revoke MAC key ${id}`,
    ({ macKey }) => macKey === id,
    async () => {
      const revoked = await rotateMacKeys(server, { action: 'revoke', id }, 'cli_admin');
      return revoked.ok ? endFamiliesUnder(server, id, 'cli_admin') : revoked;
    },
  );
}

async function moveKey(world: World, action: 'rotate' | 'revoke'): Promise<void> {
  const { server } = world.node;
  const kid = (await server.store.read.signingKeys()).find(({ state }) => state === 'current')?.kid ?? '';
  const number = world.observer.tick();
  const candidates = [signingKey(`${number}a`), signingKey(`${number}b`)];
  const common = { algorithm: 'ES256', candidates, actor: 'cli_admin' } as const;
  const command: RotationCommand =
    action === 'rotate' ? { ...common, action } : { ...common, action, kid, all: world.random.chance(0.3) };
  const work = async () => {
    const { outcome } = await server.commit(
      (read) => loadRing(read, command),
      (facts, moment) => decideRotation(facts, command, moment),
    );
    return outcome;
  };
  if (action === 'rotate') world.note('admin', `rotate the signing key → ${(await work()).ok}`);
  else await end(world, 'revoke the signing key', (token) => token.kid === kid, work);
}

async function deleteClient(world: World): Promise<void> {
  if (!world.random.chance(0.2)) return;
  const { id, name } = world.random.pick(Object.values(CLIENTS));
  await end(
    world,
    `delete ${name}`,
    ({ client }) => client === id,
    async () => {
      const { outcome } = await world.node.server.commit(
        (read) => loadDeleteClient(read, { id }),
        (facts, moment) => decideDeleteClient(facts, { administrator, id, adminApi: adminApiOf(ISSUER) }, moment),
      );
      return outcome;
    },
  );
}

const ACTIONS = [
  disable,
  disable,
  setPassword,
  endSession,
  endSession,
  rotateMac,
  revokeMac,
  (world: World) => moveKey(world, 'rotate'),
  (world: World) => moveKey(world, 'revoke'),
  deleteClient,
] as const;
