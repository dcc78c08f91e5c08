import { allow, refuse } from '@latchkey/domain/decision';
import { loadStartSession, type StartSessionCommand, startSession } from '@latchkey/domain/login/start-session';
import { makeId } from '@latchkey/protocol/ids';
import type { ResourceIdentifier } from '@latchkey/protocol/types';
import { adminApiOf } from '@latchkey/server/bootstrap';
import { mintTokens } from '@latchkey/server/mint/token-response';
import { seedPlace } from '@latchkey/server/seal/places';
import { SEED_BYTES } from '@latchkey/tokens/formats/refresh-token';
import type { Mode, Tokens } from './books.ts';
import { accountOf, ISSUER } from './deployment.ts';
import { clientOf } from './requests.ts';
import type { Person, World } from './world.ts';

/**
 * A session of a confidential client. No grant begins one yet, so it is begun by the domain's own function and written
 * through the server's own commit; refreshed and ended it is over HTTP like every other.
 */
export async function startBackendSession(world: World, person: Person, mode: Mode): Promise<Tokens | undefined> {
  const { server } = world.node;
  const { read } = server.store;
  const client = await read.client(clientOf(mode).id);
  if (client === undefined || client.deletedAt !== undefined) return undefined;
  const accountId = accountOf(person.name);
  const familyId = makeId('fam', server.now(), server.entropy(10));
  const command: StartSessionCommand = {
    sessionId: makeId('ses', server.now(), server.entropy(10)),
    familyId,
    seed: server.seal.seal(seedPlace(familyId), server.entropy(SEED_BYTES)),
    macKeyId: (await server.keys.at((await read.moment()).catalogue)).macKey.id,
    delivery: 'body',
    scope: undefined,
    resource: undefined,
    issuer: ISSUER as ResourceIdentifier,
    adminApi: adminApiOf(ISSUER),
    hookClaims: undefined,
    idleSeconds: server.settings.bodyIdleSeconds,
    absoluteSeconds: server.settings.bodyAbsoluteSeconds,
    address: undefined,
    userAgent: undefined,
    amr: ['pwd'],
    acrLevels: [],
  };
  const arrived = world.observer.tick();
  const { outcome, moment } = await server.commit(
    async (tx, at) => ({
      account: await tx.account(accountId),
      facts: await loadStartSession(tx, accountId, client, command, at),
    }),
    ({ account, facts }, at) => {
      if (account === undefined || account.disabledAt !== undefined) return refuse('account_disabled');
      const started = startSession(facts, accountId, client, command, at);
      return started.ok ? allow(started.value.grant, started.value.writes) : refuse(started.error);
    },
  );
  const decided = world.observer.tick();
  if (!outcome.ok) return undefined;
  const minted = await mintTokens(outcome.value, moment, server);
  if (!minted.ok || minted.value.refreshToken === undefined) return undefined;
  const tokens = { access: minted.value.accessToken, refresh: minted.value.refreshToken };
  world.books.begin(tokens, mode, world.overlap, { arrived, decided });
  return tokens;
}
