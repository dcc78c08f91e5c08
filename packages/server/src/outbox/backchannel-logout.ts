import { type BackchannelLogout, wantsLogouts } from '@latchkey/domain/login/tell-clients';
import type { OutboxRow } from '@latchkey/domain/write';
import { makeId } from '@latchkey/protocol/ids';
import { DURATIONS } from '@latchkey/protocol/limits';
import { type EpochSeconds, seconds } from '@latchkey/protocol/types';
import { encodeLogoutToken } from '@latchkey/tokens/formats/logout-token';
import type { Server } from '../server.ts';

/** What `decideTellClients` has written, and nobody else. */
const told = ({ body }: OutboxRow): BackchannelLogout => body as unknown as BackchannelLogout;

export const receiverOfLogout = (message: OutboxRow): string => told(message).client;

/**
 * Tells the server of a client that a session has ended, with a token made for this attempt, under the algorithm of the
 * client's ID tokens. Any answer but 200 and 204 is a failed attempt. A client that is gone, or has no URI any more, is
 * told nothing.
 *
 * @spec OIDC Back-Channel Logout §2.4, §2.5, §2.8 (LOGO-04)
 */
export async function deliverBackchannelLogout(message: OutboxRow, server: Server): Promise<void> {
  const { client: clientId, subject, session } = told(message);
  const client = await server.store.read.client(clientId);
  if (client === undefined || !wantsLogouts(client)) return;
  const { catalogue, now } = await server.store.read.moment();
  const keys = await server.keys.at(catalogue);
  const iat = seconds(now);
  const token = encodeLogoutToken(
    {
      iss: server.settings.issuer,
      aud: client.id,
      iat,
      exp: (iat + DURATIONS.logoutToken) as EpochSeconds,
      jti: makeId('tok', now, server.entropy(10)),
      sub: subject,
      sid: session,
    },
    keys.signer(client.idTokenAlgorithm),
  );
  const answer = await server.fetch(client.backchannelLogoutUri, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ logout_token: token }).toString(),
  });
  if (!answer.ok) throw new NotTold(answer.error);
  const { status } = answer.value;
  if (status !== 200 && status !== 204) throw new NotTold(`status ${status}`);
}

/** Why a client was not told. It says nothing of the URI or of the token. */
class NotTold extends Error {
  override readonly name = 'NotTold';
}
