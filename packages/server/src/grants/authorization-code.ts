import type { ProvedClient } from '@latchkey/domain/clients/client';
import { decideRedeem, loadRedeem, type RedeemCommand } from '@latchkey/domain/grants/authorization-code';
import { fail, type Result } from '@latchkey/protocol/result';
import type { AuthorizationCodeRequest } from '@latchkey/protocol/token-request';
import { SEED_BYTES } from '@latchkey/tokens/formats/refresh-token';
import { adminApiOf } from '../bootstrap.ts';
import { type MintedTokens, mintTokens } from '../mint/token-response.ts';
import { challengeOf } from '../prove/code-verifier.ts';
import { proveHookClaims } from '../prove/hook-claims.ts';
import { secretHash } from '../prove/secret.ts';
import { detailOf } from '../refused.ts';
import { seedPlace } from '../seal/places.ts';
import type { Refusal, Server } from '../server.ts';

const SUBJECT_PIECES = 3;

/**
 * By what somebody may be known in a sector: nobody can tell anything by it. It is a name and no secret, told and stored
 * as it is, and made of pieces as short as those of ids, which are no secrets either.
 */
const makeSubject = ({ entropy }: Server): string =>
  Buffer.concat(Array.from({ length: SUBJECT_PIECES }, () => entropy(11))).toString('base64url');

/** Redeems a code: decides in one transaction, and mints what was decided. */
export async function redeemCode(
  client: ProvedClient,
  request: AuthorizationCodeRequest,
  server: Server,
): Promise<Result<MintedTokens, Refusal>> {
  const codeHash = secretHash(request.code);
  // the family that the seed is sealed for stands in the row of the code, and never changes
  const known = await server.store.read.code(codeHash);
  const about = {
    client: client.id,
    ...(known === undefined ? {} : { family: known.familyId, account: known.accountId }),
  };
  if (known === undefined) return fail({ error: 'code_unknown', about });
  const { catalogue } = await server.store.read.moment();
  const command: RedeemCommand = {
    client,
    codeHash,
    redirectUri: request.redirectUri,
    challenge: request.codeVerifier === undefined ? undefined : challengeOf(request.codeVerifier),
    resources: request.resources,
    seed: server.seal.seal(seedPlace(known.familyId), server.entropy(SEED_BYTES)),
    macKeyId: (await server.keys.at(catalogue)).macKey.id,
    idleSeconds: server.settings.bodyIdleSeconds,
    offlineSeconds: server.settings.bodyAbsoluteSeconds,
    issuer: server.settings.issuer,
    adminApi: adminApiOf(server.settings.issuer),
    hookClaims: undefined,
    newSubject: makeSubject(server),
  };
  const proved = await proveHookClaims(
    {
      grantType: 'authorization_code',
      load: (read, at) => loadRedeem(read, command, at),
      decide: (facts, at) => decideRedeem(facts, command, at),
      metadata: (facts) => facts.metadata,
    },
    server,
  );
  if (!proved.ok) return fail({ ...proved.error, about });
  const { hookClaims, hold } = proved.value;
  const { outcome, moment, detail } = await server.commit(
    (read, at) => loadRedeem(read, command, at),
    (facts, at) => hold(decideRedeem(facts, { ...command, hookClaims }, at)),
  );
  if (!outcome.ok) return fail({ error: outcome.error, ...detailOf(detail), about });
  return mintTokens(outcome.value, moment, server);
}
