import type { AuthorizationCode } from '@latchkey/domain/authorization/code';
import { LIMITS } from '@latchkey/protocol/limits';
import type { MemoryStore } from '@latchkey/testkit/memory-store';
import type { Between, Books, CodeMode, Tokens } from './books.ts';
import type { Credential, Ends } from './ends.ts';
import type { Observer } from './invariants.ts';
import type { Reply, Watch } from './network.ts';
import { tokensOf } from './refresh-rules.ts';

/** A code that left the server, and what its client knows beside. */
export interface CodeRecord {
  readonly label: string;
  readonly text: string;
  readonly mode: CodeMode;
  readonly verifier: string;
  /** Names of what it hangs on. */
  readonly row: AuthorizationCode;
  /** Observer's times between which it was decided on. */
  readonly arrived: number;
  readonly decided: number;
  /** True time at which the request for it came in. */
  readonly asked: number;
  readonly tries: Try[];
  /** The database was put back to before the last of it was written, or it was long ago: nothing is claimed any more. */
  isForgotten: boolean;
  /** Observer's time of the last answer that told of it. */
  lastTold: number;
}

/** One presentation of a code. */
interface Try {
  readonly arrived: number;
  readonly isProper: boolean;
  decided: number;
  /** `open` while nobody outside knows what came of it. */
  outcome: 'open' | 'granted' | 'refused';
  /** As a question that a family waits for an answer to. */
  readonly age: 0;
}

export interface CodeRules {
  readonly codes: readonly CodeRecord[];
  /** A code leaves the server. */
  issued(code: Pick<CodeRecord, 'text' | 'mode' | 'verifier' | 'row' | 'asked'>, between: Between): CodeRecord;
  /** Watches a redemption on its way; proper is one by the right client with all that belongs to the code. */
  watch(code: CodeRecord, isProper: boolean): Watch;
  /** A person allows a client something. What is called then says that it is decided. */
  consents(sub: string, client: string): () => void;
  /** A code's credential, or that of another thing that hangs on a consent. */
  consented(token: Credential): Credential;
  restoredTo(time: number): void;
  /** Codes that are no longer kept count as forgotten. */
  morning(state: MemoryStore['committed']): void;
}

interface Known {
  readonly observer: Observer;
  readonly books: Books;
  readonly ends: Ends;
  readonly overlap: number;
  /** True time at which the node's clock was last set. */
  readonly clockSetAt: () => number;
  /** Why the server has refused, from its ring of refusals. */
  readonly reasonOf: (reply: Reply) => string | undefined;
}

/** A code lives for 60 seconds; for so long it is certain that it does. */
const CERTAIN = 45_000;

/**
 * The rules of codes (C), written from what clients and browsers see: a code counts once, for the client that it was
 * made for, and while all lives that it hangs on; whoever comes with it a second time ends the family that it started.
 */
export function createCodeRules({ observer, books, ends, overlap, clockSetAt, reasonOf }: Known): CodeRules {
  const codes: CodeRecord[] = [];
  const allowed = new Map<string, { open: number; last: number }>();
  const lastAllowed = (sub: string, client: string): number => {
    const { open, last } = allowed.get(`${sub} ${client}`) ?? { open: 0, last: 0 };
    return open > 0 ? Number.POSITIVE_INFINITY : last;
  };

  const consented = (token: Credential): Credential => ({
    ...token,
    consented: Math.max(token.decided, lastAllowed(token.sub, token.client)),
  });

  const credentialOf = ({ row, arrived, decided }: CodeRecord): Credential =>
    consented({
      fid: row.familyId,
      sid: row.sessionId,
      sub: row.accountId,
      client: row.clientId,
      arrived,
      decided,
    });

  function granted(code: CodeRecord, one: Try, tokens: Tokens): void {
    const { label, row, mode, tries } = code;
    one.outcome = 'granted';
    const end = ends.isEnded(credentialOf(code), one.arrived);
    if (end !== undefined) observer.violate('I1', `${label} was redeemed after the answer to: ${end.what}`);
    if (!one.isProper) observer.violate('C', `${label} was redeemed without what belongs to it`);
    if (!code.isForgotten && tries.some((other) => other !== one && other.outcome === 'granted'))
      observer.violate('C', `${label} was redeemed twice`);
    const family = books.begin(tokens, mode, overlap, one);
    // the same family may have begun in the database that was replaced
    if (code.isForgotten) family.isForgotten = true;
    code.lastTold = observer.tick();
    const isOffline = family.sid === '';
    if (family.fid !== row.familyId || family.sub !== row.accountId || !(isOffline || family.sid === row.sessionId))
      observer.violate('C', `${label} has started another family than it was made for`);
    for (const other of tries) if (other.outcome === 'open') family.unanswered.add(other);
  }

  function refused(code: CodeRecord, one: Try, reply: Reply): void {
    const { row, tries, label } = code;
    const isRedeemed = reasonOf(reply) === 'refresh_token_key_unknown';
    one.outcome = isRedeemed ? 'open' : 'refused';
    if (!one.isProper || code.isForgotten) return;
    const before = tries.filter(
      ({ arrived, isProper }) => isProper && arrived < one.decided && arrived !== one.arrived,
    );
    const isReplay = before.some(({ outcome, decided }) => outcome === 'granted' && decided < one.arrived);
    if (before.length > 0) {
      const end = ends.begin(`replay of ${label}`, ({ fid }) => fid === row.familyId, one.arrived);
      if (isReplay) ends.acknowledge(end);
    } else if (!isRedeemed && isPromised(code, one))
      observer.violate('L', `${label} was refused (${reasonOf(reply)}), and should not have been`);
  }

  /** Whether a code was certainly good when it came for the first time. */
  function isPromised(code: CodeRecord, one: Try): boolean {
    const wrong = code.tries.filter(({ isProper, arrived }) => !isProper && arrived < one.decided);
    if (wrong.length >= LIMITS.codeTriesMax) return false;
    if (clockSetAt() > code.asked || observer.now() - code.asked > CERTAIN) return false;
    // what was allowed later may have taken the place of what was allowed for this code
    const { row, decided } = code;
    if (lastAllowed(row.accountId, row.clientId) > decided) return false;
    return ends.isUntouched(credentialOf(code), observer.tick());
  }

  return {
    codes,
    consented,
    issued(given, { arrived, decided }) {
      const code: CodeRecord = {
        ...given,
        arrived,
        decided,
        label: `c${codes.length + 1}`,
        tries: [],
        isForgotten: false,
        lastTold: observer.tick(),
      };
      codes.push(code);
      return code;
    },
    watch(code, isProper) {
      let one: Try | undefined;
      return {
        arrived() {
          one = { arrived: observer.tick(), isProper, decided: Number.POSITIVE_INFINITY, outcome: 'open', age: 0 };
          code.tries.push(one);
          books.families.get(code.row.familyId)?.unanswered.add(one);
        },
        decided() {
          if (one !== undefined) one.decided = observer.tick();
        },
        left(reply) {
          if (one === undefined) return;
          if (one.decided === Number.POSITIVE_INFINITY) one.decided = observer.tick();
          books.families.get(code.row.familyId)?.unanswered.delete(one);
          const tokens = reply.status === 200 ? tokensOf(reply) : undefined;
          if (tokens !== undefined) granted(code, one, tokens);
          else if (reply.body.error === 'invalid_grant') refused(code, one, reply);
          // a client that was not let in has shown the code to nobody
          else if (reply.status === 401) code.tries.splice(code.tries.indexOf(one), 1);
        },
      };
    },
    consents(sub, client) {
      const key = `${sub} ${client}`;
      const known = allowed.get(key) ?? { open: 0, last: 0 };
      allowed.set(key, known);
      known.open += 1;
      return () => {
        known.open -= 1;
        known.last = observer.tick();
      };
    },
    restoredTo(time) {
      for (const code of codes) if (code.lastTold > time) code.isForgotten = true;
    },
    morning(state) {
      for (const code of codes) if (!state.codes.has(code.row.hash)) code.isForgotten = true;
    },
  };
}
