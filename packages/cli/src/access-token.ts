import { randomBytes } from 'node:crypto';
import type { Context } from './context.ts';
import {
  type ClientCredential,
  type CredentialFile,
  readCredential,
  type SignInCredential,
  withLock,
  writeSignIn,
} from './credential.ts';
import { EXIT, Stop } from './exit-codes.ts';
import { type Answered, said, sendForm } from './http.ts';
import { refusal } from './refusal.ts';

/** An access token for the admin API. */
export interface HeldToken {
  readonly value: string;
  /** On this process's monotonic clock, a little before it expires. */
  readonly goodUntil: number;
}

const held = ({ body }: Answered): HeldToken => ({
  value: String(body.access_token),
  goodUntil: performance.now() + (Number(body.expires_in) - 30) * 1000,
});

const isToken = ({ status, body }: Answered): boolean => status === 200 && typeof body.access_token === 'string';

/** Gets an access token with the credential in a file, whichever kind it is. */
export async function fetchToken(context: Context, file: CredentialFile): Promise<HeldToken> {
  const credential = readCredential(file);
  return credential.kind === 'client'
    ? tokenOfClient(context, credential, file)
    : withLock(context, file, () => tokenOfSignIn(context, file));
}

async function tokenOfClient(
  context: Context,
  { issuer, clientId, clientSecret }: ClientCredential,
  { shown }: CredentialFile,
): Promise<HeldToken> {
  const pair = [clientId, clientSecret].map(encodeURIComponent).join(':');
  const answer = await sendForm(
    context,
    `${issuer}/oauth/token`,
    { grant_type: 'client_credentials', resource: `${issuer}/admin/api` },
    { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
  );
  if (isToken(answer)) return held(answer);
  const { status, body } = answer;
  if (status === 429 || status >= 500) throw refusal(status, body);
  throw new Stop(
    EXIT.unauthorised,
    `The server does not accept the credential in ${shown}${said(body)}.`,
    'Was its secret replaced, or its client deleted? latchkey init makes a new one where the data are.',
  );
}

/**
 * Refreshes. The file is written before and after: before, with the id of this attempt, so that a command that never
 * heard the answer may ask again; after, with the new refresh token, before the access token is used.
 */
async function tokenOfSignIn(context: Context, file: CredentialFile): Promise<HeldToken> {
  const credential = readCredential(file); // another command may have refreshed while this one waited
  if (credential.kind === 'client') return tokenOfClient(context, credential, file);
  const attemptId = credential.attemptId ?? randomBytes(16).toString('base64url');
  const attempt: SignInCredential = { ...credential, attemptId };
  writeSignIn(file, attempt);
  const { issuer, clientId, refreshToken } = attempt;
  const ask = () =>
    sendForm(context, `${issuer}/oauth/token`, {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: refreshToken,
      attempt_id: attemptId,
      resource: `${issuer}/admin/api`,
    });
  const answer = await ask().catch((error: unknown) => {
    if (error instanceof Stop && error.exit === EXIT.unreachable) return ask();
    throw error;
  });
  const { status, body } = answer;
  if (isToken(answer)) {
    const next = typeof body.refresh_token === 'string' ? body.refresh_token : refreshToken;
    writeSignIn(file, { ...credential, refreshToken: next, attemptId: undefined });
    return held(answer);
  }
  if (status === 429 || status >= 500) throw refusal(status, body);
  if (body.error === 'invalid_scope')
    throw new Stop(
      EXIT.unauthorised,
      'Your roles at the admin API give you nothing there (any more).',
      'An administrator grants one: latchkey role grant. See docs/concepts/administrators.md.',
    );
  throw new Stop(EXIT.unauthorised, `Your sign-in in ${file.shown} has ended${said(body)}.`, 'Run latchkey login');
}
