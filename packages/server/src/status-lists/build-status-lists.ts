import type { Moment } from '@latchkey/domain/ports/reader';
import type { StatusListRow } from '@latchkey/domain/tokens/status-list-row';
import { STATUS_LIST_SIZE, statusListUri } from '@latchkey/domain/tokens/status-place';
import { LIMITS } from '@latchkey/protocol/limits';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { createStatusList, STATUS, type StatusList } from '@latchkey/tokens/formats/status-list';
import { encodeStatusListToken } from '@latchkey/tokens/formats/status-list-token';
import { createRevocationSet, type RevocationSet, revocableOf } from '@latchkey/verifier/internal/revocation-set';
import type { Server } from '../server.ts';
import type { StatusLists } from './status-lists.ts';

/** A list as it was built, and of what. */
interface Built {
  readonly token: string;
  readonly seq: number;
  readonly epoch: number;
  readonly taken: number;
  /** By the clock that nobody sets, and how long it took. */
  readonly at: number;
  readonly took: number;
}

/**
 * A token can get its record after an event that ends it: it was granted before, and recorded a moment later. So a list
 * that has new tokens is built anew after so long, in milliseconds, though no event came.
 */
const NEW_TOKENS_AFTER = 2_000;
/**
 * A list rests for so many times as long as it took to build, and for no longer than new tokens wait: anybody may ask for
 * it, and where much is revoked each question would build it anew.
 */
const REST = 9;
/** A list under which nothing changes is signed anew after so long, well before its end. */
const SIGNED_AGAIN_AFTER = 300_000;
const LIFE_SECONDS = 900;

type Part = Pick<Server, 'store' | 'keys' | 'settings' | 'steady'>;

/**
 * Builds a list when it is asked for, by the rules by which a verifier decides, from the records of its tokens and the
 * events of the log. What was built is good for one place in the log.
 *
 * @spec TSL draft-21 §8.1, §13.5
 */
export function createStatusLists(server: Part): StatusLists {
  const known = new Map<number, Built>();
  const underWay = new Map<number, Promise<string>>();

  function isGood(built: Built, { taken }: StatusListRow, { position }: Moment): boolean {
    const age = server.steady() - built.at;
    if (built.epoch !== position.epoch || age >= SIGNED_AGAIN_AFTER) return false;
    if (age < Math.min(built.took * REST, NEW_TOKENS_AFTER)) return true;
    if (built.seq !== position.seq) return false;
    return built.taken === taken || age < NEW_TOKENS_AFTER;
  }

  async function build(row: StatusListRow, moment: Moment): Promise<string> {
    const at = server.steady();
    const revocations = await revocationsAt(moment, server);
    const list = await listOf(row.number, revocations, server);
    const iat = seconds(moment.now);
    const signer = (await server.keys.at(moment.catalogue)).signer('ES256');
    const token = encodeStatusListToken(
      {
        uri: statusListUri(row.number, server.settings.issuer),
        iat,
        exp: (iat + LIFE_SECONDS) as EpochSeconds,
        ttl: server.settings.statusListSeconds - NEW_TOKENS_AFTER / 1000,
        list,
      },
      signer,
    );
    if (known.size >= LIMITS.statusListsKept) known.clear();
    known.set(row.number, { token, ...moment.position, taken: row.taken, at, took: server.steady() - at });
    return token;
  }

  return {
    async token(number) {
      const moment = await server.store.read.moment();
      const [row] = await server.store.read.statusLists({ after: number - 1, limit: 1 });
      if (row?.number !== number) return undefined;
      const built = known.get(number);
      if (built !== undefined && isGood(built, row, moment)) return built.token;
      // whoever comes meanwhile may have come after an event that this one has not seen, and waits for one that has
      for (let waiting = underWay.get(number); waiting !== undefined; waiting = underWay.get(number)) {
        await waiting.catch(() => {});
        const after = known.get(number);
        if (after !== undefined && isGood(after, row, moment)) return after.token;
      }
      const building = build(row, moment).finally(() => underWay.delete(number));
      underWay.set(number, building);
      return building;
    },
  };
}

/** All that the log holds at a moment, as a verifier that has followed it knows it. */
async function revocationsAt({ now }: Moment, { store, steady }: Part): Promise<RevocationSet> {
  const revocations = createRevocationSet(steady);
  let after = 0;
  for (;;) {
    const page = await store.read.revocations(after, now, LIMITS.feedPageMax);
    for (const event of page) revocations.add(event);
    const last = page.at(-1);
    if (last === undefined || page.length < LIMITS.feedPageMax) break;
    after = last.seq;
  }
  if (revocations.isFull) throw new Error('there are more revocations than a status list can tell of');
  return revocations;
}

async function listOf(number: number, revocations: RevocationSet, { store }: Part): Promise<StatusList> {
  const ended: (readonly [number, number])[] = [];
  let after: number | undefined;
  for (;;) {
    const page = await store.read.statusRecords(number, { after, limit: LIMITS.pageRowsMax });
    for (const { status, claims } of page)
      if (status !== undefined && revocations.isRevoked(revocableOf(claims, '')))
        ended.push([status.index, STATUS.invalid]);
    after = page.at(-1)?.status?.index;
    if (page.length < LIMITS.pageRowsMax) break;
  }
  return createStatusList(1, STATUS_LIST_SIZE, ended);
}
