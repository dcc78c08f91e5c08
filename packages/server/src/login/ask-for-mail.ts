import { type ParsedIdentifier, parseIdentifier } from '@latchkey/domain/accounts/identifier';
import { isMailable } from '@latchkey/domain/accounts/mail-address';
import { allow } from '@latchkey/domain/decision';
import { askForMail, type MailedPurpose, type MailRequest } from '@latchkey/domain/login/account-mail';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { AccountId, SessionId } from '@latchkey/protocol/types';
import type { Call, Refusal, Server } from '../server.ts';
import { addressKey } from '../throttle/address.ts';

/** Mails that are asked for from one address, and those to one target for one purpose, whether there is anybody or not. */
const ASKED = { burst: 20, perMinute: 10 } as const;
const MAILED = { burst: 5, perMinute: 0.2 } as const;
/** Mails to one address, whoever asks: strangers must not be able to use up what its owner may ask for. */
const MAILED_BY_ALL = { burst: 30, perMinute: 1 } as const;

/** What a link may be sent to: an address, or for an account that there may be also the name that it signs in under. */
export function readMailTarget(text: string, purpose: MailedPurpose): ParsedIdentifier | undefined {
  const parsed = parseIdentifier(text);
  if (parsed === undefined || isMailable(parsed)) return parsed;
  return parsed.kind === 'username' && (purpose === 'reset_password' || purpose === 'sign_in') ? parsed : undefined;
}

/**
 * Leaves a request for a mail to the worker. Whether there is an account nobody looks here, so that known and unknown
 * are the same work and the same answer, and wait alike.
 *
 * @returns `rate_limited`
 * @spec ASVS 6.3.8 (PWD-12)
 */
export async function leaveMailRequest(
  request: MailRequest,
  call: Call,
  server: Server,
): Promise<Result<undefined, Refusal>> {
  const { normalised } = request.identifier;
  const from = addressKey(call.address);
  const wait =
    (await server.ephemeral.take(`mail:${from}`, ASKED)) ||
    (await server.ephemeral.take(`mail_to:${request.purpose}:${from}:${normalised}`, MAILED)) ||
    (await server.ephemeral.take(`mail_to:${request.purpose}:${normalised}`, MAILED_BY_ALL));
  if (wait > 0) return fail({ error: 'rate_limited', headers: { 'retry-after': String(wait) } });
  await server.commit(
    () => Promise.resolve(),
    (_, { now }) => allow(undefined, [askForMail(request, now)]),
  );
  return ok(undefined);
}

/** An address that its account wants to have verified, or to have. */
export interface AddressToVerify {
  readonly accountId: AccountId;
  /** The session that asks. */
  readonly sessionId: SessionId;
  /** As it was typed. */
  readonly address: string;
  /** Of the page on which it was typed. */
  readonly language: string;
}

/**
 * Asks the owner of an address, by a mail with a link, whether it is to belong to an account: it is added, or verified
 * if the account has it, when they use the link. Nothing is stored of it before, and nobody learns whether it is taken.
 *
 * @returns `identifier_invalid`, `rate_limited`
 */
export async function askToVerify(
  { accountId, sessionId, address, language }: AddressToVerify,
  call: Call,
  server: Server,
): Promise<Result<undefined, Refusal>> {
  const identifier = readMailTarget(address, 'verify_email');
  if (identifier === undefined) return fail({ error: 'identifier_invalid' });
  const purpose = 'verify_email';
  const request: MailRequest = { purpose, identifier, accountId, sessionId, attemptId: undefined, language };
  return leaveMailRequest(request, call, server);
}
