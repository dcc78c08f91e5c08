import type { PasswordCredential } from '@latchkey/domain/accounts/password-credential';
import type { Advanced, AdvanceFacts } from '@latchkey/domain/authorization/advance';
import type { WithdrawFacts } from '@latchkey/domain/authorization/withdraw-consent';
import { allow, type Decision } from '@latchkey/domain/decision';
import type { RedeemFacts } from '@latchkey/domain/grants/authorization-code';
import type { SessionEnds } from '@latchkey/domain/login/end-sessions';
import { endFamilyWrites } from '@latchkey/domain/login/end-writes';
import type { PasswordFacts } from '@latchkey/domain/login/password-check';
import type { SignInFacts } from '@latchkey/domain/login/sign-in';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import type { Write } from '@latchkey/domain/write';
import type { SessionId } from '@latchkey/protocol/types';
import { type Fault, hasFacts, inDecision } from './faults.ts';

// Mistakes in what is decided of codes, consents, sign-ins and guesses, one in each.

const isRedeem = (facts: unknown): facts is RedeemFacts => hasFacts(facts, 'code', 'families');
const isAdvance = (facts: unknown): facts is AdvanceFacts => hasFacts(facts, 'attempt', 'resources');
const isSignIn = (facts: unknown): facts is SignInFacts => hasFacts(facts, 'attempt', 'liveSessions');
const isSessionEnds = (facts: unknown): facts is SessionEnds => hasFacts(facts, 'session', 'pairwise');
const isGuess = (facts: unknown): facts is PasswordFacts => hasFacts(facts, 'account', 'credential');

const without = <T>(decided: Decision<T>, ...kinds: readonly Write['kind'][]): Decision<T> => ({
  ...decided,
  writes: decided.writes.filter(({ kind }) => !kinds.includes(kind)),
});

/** The row of a code says that it was redeemed, and nobody looks there. */
export const codeCountsAgain: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) => {
  const { code } = facts;
  if (code?.redeemedAt === undefined) return decide(facts, moment);
  const again = decide({ ...facts, code: { ...code, redeemedAt: undefined } }, moment);
  return without(again, 'code.redeem', 'family.start');
});

/** A replay is refused, and that is all that comes of it. */
export const forgivenReplay: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) => {
  const decided = decide(facts, moment);
  return !decided.outcome.ok && decided.outcome.error === 'code_used' ? { ...decided, writes: [] } : decided;
});

/** A replay ends whatever the client has of this person. */
export const wideReplay: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) => {
  const decided = decide(facts, moment);
  if (decided.outcome.ok || decided.outcome.error !== 'code_used') return decided;
  const ending = { reason: 'revoked_by_client', by: 'server', at: moment.now } as const;
  const others = facts.families.filter(({ id }) => id !== facts.code?.familyId);
  return { ...decided, writes: [...decided.writes, ...others.flatMap((one) => endFamilyWrites(one, ending))] };
});

/** Whoever brings no verifier is not asked for one. */
export const verifierForgotten: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) => {
  const { code } = facts;
  const decided = decide(facts, moment);
  const isMissing = !decided.outcome.ok && decided.outcome.error === 'code_verifier_missing';
  if (!isMissing || code?.redeemedAt !== undefined || code === undefined) return decided;
  return decide({ ...facts, code: { ...code, challenge: undefined } }, moment);
});

/** A code counts though its session is over. */
export const codeOutlivesSession: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) =>
  decide(
    { ...facts, session: facts.session === undefined ? undefined : { ...facts.session, ended: undefined } },
    moment,
  ),
);

/** A code counts though the person has taken back what it was made for. */
export const codeOutlivesConsent: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) => {
  const { code } = facts;
  if (code === undefined) return decide(facts, moment);
  const { accountId, clientId, scope, resources, createdAt } = code;
  return decide({ ...facts, consent: { accountId, clientId, scope, resources, givenAt: createdAt } }, moment);
});

/** Whoever takes something back does it on the authority of a session or of a token, looked at in the same decision. */
interface Withdrawal {
  readonly facts: WithdrawFacts;
}
const isWithdrawal = (facts: unknown): facts is Withdrawal =>
  hasFacts(facts, 'authority', 'facts') && hasFacts((facts as Withdrawal).facts, 'consent', 'families');

/** A person takes back what they allowed, and what was issued lives on. */
export const familiesOutliveConsent: Fault = inDecision<Withdrawal, undefined>(isWithdrawal, (decide, asked, moment) =>
  decide({ ...asked, facts: { ...asked.facts, families: [] } }, moment),
);

/** However many families there are, one more is no matter. */
export const crowdedFamilies: Fault = inDecision<RedeemFacts, TokenGrant>(isRedeem, (decide, facts, moment) =>
  decide({ ...facts, families: [] }, moment),
);

/** The browser loses its cookie, and the session goes on. */
export const sessionOutlivesSignOut: Fault = inDecision<SessionEnds, undefined>(
  isSessionEnds,
  (decide, facts, moment) => {
    const decided = decide(facts, moment);
    const isSignOut = decided.writes.some((write) => write.kind === 'session.end' && write.ended.reason === 'logout');
    return isSignOut ? allow(undefined) : decided;
  },
);

/** Whoever comes with the cookie of a session that is over is still somebody. */
export const cookieOutlivesSession: Fault = inDecision<AdvanceFacts, Advanced>(isAdvance, (decide, facts, moment) =>
  decide(
    { ...facts, session: facts.session === undefined ? undefined : { ...facts.session, ended: undefined } },
    moment,
  ),
);

/** The person before stays signed in behind the back of the next one. */
export const personBeforeStays: Fault = inDecision<SignInFacts, SessionId>(isSignIn, (decide, facts, moment) => {
  const { session, account } = facts;
  return decide({ ...facts, session: session?.accountId === account?.id ? session : undefined }, moment);
});

/** Every form that is sent begins a session. */
export const sessionForEachForm: Fault = inDecision<SignInFacts, SessionId>(isSignIn, (decide, facts, moment) =>
  decide({ ...facts, begun: undefined }, moment),
);

/** Wrong guesses are counted where they do not outlive the process. */
export const countInMemory: Fault = {
  born() {
    const counted = new Map<string, Pick<PasswordCredential, 'failures' | 'lastFailureAt'>>();
    return inDecision<PasswordFacts, unknown>(isGuess, (decide, facts, moment) => {
      const { credential } = facts;
      if (credential === undefined) return decide(facts, moment);
      const known = counted.get(credential.accountId) ?? credential;
      const decided = decide({ ...facts, credential: { ...credential, ...known } }, moment);
      if (decided.writes.some(({ kind }) => kind === 'password.fail'))
        counted.set(credential.accountId, { failures: known.failures + 1, lastFailureAt: moment.now });
      if (decided.outcome.ok) counted.delete(credential.accountId);
      return without(decided, 'password.fail');
    });
  },
};

/** A lock that the right password opens. */
export const lockThatOpens: Fault = inDecision<PasswordFacts, unknown>(isGuess, (decide, facts, moment) => {
  const decided = decide(facts, moment);
  const { credential } = facts;
  if (decided.outcome.ok || decided.outcome.error !== 'password_locked' || credential === undefined) return decided;
  return decide({ ...facts, credential: { ...credential, failures: 0 } }, moment);
});
