import type { AccountMetadata } from '@latchkey/domain/accounts/metadata';
import type { Decision } from '@latchkey/domain/decision';
import type { Moment, Reader } from '@latchkey/domain/ports/reader';
import type { TokenGrant } from '@latchkey/domain/tokens/access-grant';
import type { HookClaims } from '@latchkey/domain/tokens/added-claims';
import { heldToHook } from '@latchkey/domain/tokens/hook-claims';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { HookInput } from '../claim-hook/claim-hook.ts';
import type { Refusal, Server } from '../server.ts';

/** A decision that would issue tokens, as it will be made. */
export interface Rehearsal<Facts> {
  readonly grantType: HookInput['grant_type'];
  load(read: Reader, moment: Moment): Promise<Facts>;
  decide(facts: Facts, moment: Moment): Decision<TokenGrant>;
  metadata(facts: Facts): AccountMetadata | undefined;
}

/** What the hook said, and what holds the decision to it. */
export interface ProvedClaims {
  readonly hookClaims: HookClaims | undefined;
  hold(decision: Decision<TokenGrant>): Decision<TokenGrant>;
}

const WITHOUT_HOOK: ProvedClaims = { hookClaims: undefined, hold: (decision) => decision };

/**
 * Asks the hook about the token that a decision would issue, before any transaction is open. The decision is rehearsed on
 * what is committed, and nothing of it is written: what it refuses it will refuse by itself, without the hook. Its own
 * facts win where they have changed since; a token about which the hook was not asked is not issued.
 *
 * @returns `claim_hook_failed`
 */
export async function proveHookClaims<Facts>(
  { grantType, load, decide, metadata }: Rehearsal<Facts>,
  { claimHook, store: { read } }: Server,
): Promise<Result<ProvedClaims, Pick<Refusal, 'error'>>> {
  if (claimHook === undefined) return ok(WITHOUT_HOOK);
  const moment = await read.moment();
  const facts = await load(read, moment);
  const { outcome } = decide(facts, moment);
  if (!outcome.ok || outcome.value.access.resource.builtIn)
    return ok({ hookClaims: undefined, hold: (decision) => heldToHook(decision, undefined) });
  const { access } = outcome.value;
  const { resource } = access;
  const input: HookInput = {
    grant_type: grantType,
    client_id: access.clientId,
    resource: resource.identifier,
    sub: access.subject,
    org_id: access.tenant,
    scope: access.scope,
    roles: access.roles,
    metadata: metadata(facts)?.values ?? {},
  };
  const said = await claimHook.ask(input, resource);
  if (!said.ok) return fail({ error: said.error });
  return ok({ hookClaims: said.value, hold: (decision) => heldToHook(decision, resource.id) });
}
