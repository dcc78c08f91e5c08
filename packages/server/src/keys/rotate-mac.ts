import {
  decideEndUnderMacKey,
  decideForgetAnswersUnderMacKey,
  decideMacRotation,
  loadAnswersUnderMacKey,
  loadMacRing,
  loadUnderMacKey,
  type MacRingState,
  type MacRotationCommand,
  nextMacKeyId,
} from '@latchkey/domain/keys/mac-rotation';
import type { ErrorId } from '@latchkey/protocol/errors';
import { ok, type Result } from '@latchkey/protocol/result';
import type { ApiKeyId, ClientId } from '@latchkey/protocol/types';
import { macKeyPlace } from '../seal/places.ts';
import type { Server } from '../server.ts';

const MAC_KEY_BYTES = 32;

/** Seals a new MAC key for the next number, then lets the decision take it if it needs one. */
export async function rotateMacKeys(
  server: Pick<Server, 'store' | 'seal' | 'commit' | 'entropy'>,
  action: { readonly action: 'rotate' } | { readonly action: 'revoke'; readonly id: number },
  actor: string,
): Promise<Result<MacRingState, ErrorId>> {
  const id = nextMacKeyId(await loadMacRing(server.store.read));
  const sealed = server.seal.seal(macKeyPlace(id), server.entropy(MAC_KEY_BYTES));
  const command: MacRotationCommand = { ...action, actor, candidate: { id, sealed } };
  const { outcome } = await server.commit(loadMacRing, (keys, moment) => decideMacRotation(keys, command, moment));
  return outcome;
}

/** Ends all families under a revoked MAC key, in steps, so that no transaction is long. */
export async function endFamiliesUnder(
  server: Pick<Server, 'commit'>,
  id: number,
  actor: string,
): Promise<Result<number, ErrorId>> {
  let ended = 0;
  for (;;) {
    const { outcome } = await server.commit(
      (read) => loadUnderMacKey(read, id),
      (facts, moment) => decideEndUnderMacKey(facts, actor, moment),
    );
    if (!outcome.ok) return outcome;
    if (outcome.value === 0) return ok(ended);
    ended += outcome.value;
  }
}

/** Has verifiers ask anew about opaque tokens after a MAC key was revoked, in steps. */
export async function forgetAnswersUnder(
  server: Pick<Server, 'commit'>,
  id: number,
): Promise<Result<undefined, ErrorId>> {
  for (let after: ClientId | ApiKeyId | undefined; ; ) {
    const { outcome } = await server.commit(
      (read) => loadAnswersUnderMacKey(read, id, after),
      (facts, moment) => decideForgetAnswersUnderMacKey(facts, moment),
    );
    if (!outcome.ok) return outcome;
    if (outcome.value === undefined) return ok(undefined);
    after = outcome.value;
  }
}
