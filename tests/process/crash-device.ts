import { randomUUID } from 'node:crypto';
import type { Random } from '../simulation/random.ts';
import { type Answered, type Connection, claimsOf } from './crash-client.ts';

/** How a login comes to its end, each with an acknowledgement of its own. */
export const ENDINGS = [
  'logout',
  'client revokes',
  'administrator ends session',
  'administrator ends family',
  'theft',
] as const;
export type Ending = (typeof ENDINGS)[number];

/**
 * One login, and all that its client may know of it: what was acknowledged, and the one request that may have been
 * under way when the server died.
 */
export interface Device {
  readonly sid: string;
  readonly fid: string;
  /** The newest tokens that were acknowledged, and the refresh token before. */
  access: string;
  refresh: string;
  spent: string | undefined;
  /** Single access tokens whose revocation was acknowledged. */
  readonly revoked: string[];
  /** A refresh without an answer. */
  pending: { readonly token: string; readonly attempt: string; readonly sentAt: number } | undefined;
  ending: { readonly how: Ending; isAcknowledged: boolean } | undefined;
  /** Refreshes that were acknowledged. */
  rotations: number;
  /** How often it was looked for after its end. */
  checksAfterEnd: number;
}

/** An acknowledgement that is not what a living server owes. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

function mustBe(status: number, answer: Answered, what: string): void {
  if (answer.status !== status) throw new WrongAnswer(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

export async function logIn(at: Connection, username: string, password: string): Promise<Device> {
  const answer = await at.login(username, password);
  mustBe(200, answer, 'login');
  const { access_token: access, refresh_token: refresh } = answer.body;
  const { sid, fid } = claimsOf(access);
  return {
    sid,
    fid,
    access,
    refresh,
    spent: undefined,
    revoked: [],
    pending: undefined,
    ending: undefined,
    rotations: 0,
    checksAfterEnd: 0,
  };
}

/** Refreshes, or repeats the refresh whose answer was lost. */
export async function refresh(device: Device, at: Connection): Promise<void> {
  device.pending ??= { token: device.refresh, attempt: randomUUID(), sentAt: Date.now() };
  const answer = await at.refresh(device.pending.token, device.pending.attempt);
  mustBe(200, answer, 'refresh');
  succeed(device, device.pending.token, answer);
  device.pending = undefined;
}

/** The device has new tokens for this refresh token. */
export function succeed(device: Device, token: string, answer: Answered): void {
  device.spent = token;
  device.access = answer.body.access_token;
  device.refresh = answer.body.refresh_token;
  device.rotations += 1;
}

async function revokeAccess(device: Device, at: Connection): Promise<void> {
  const token = device.access;
  mustBe(200, await at.revoke(token), 'revocation of an access token');
  device.revoked.push(token);
}

export async function end(device: Device, how: Ending, at: Connection): Promise<void> {
  device.ending = { how, isAcknowledged: false };
  if (how === 'logout') mustBe(204, await at.logout(device.refresh), how);
  else if (how === 'client revokes') mustBe(200, await at.revoke(device.refresh), how);
  else if (how === 'administrator ends session') mustBe(204, await at.admin('DELETE', `/sessions/${device.sid}`), how);
  else if (how === 'administrator ends family')
    mustBe(200, await at.admin('POST', '/tokens/revoke', { id: device.fid }), how);
  else mustBe(400, await at.refresh(device.spent ?? ''), how);
  device.ending.isAcknowledged = true;
}

/**
 * A life of refreshes with a revocation here and there, until it ends, or until the server no longer answers: then the
 * device knows what it has not heard of.
 */
export async function live(
  device: Device,
  at: Connection,
  random: Random,
  how: Ending,
  acknowledged: () => void,
): Promise<void> {
  const steps = 1 + random.below(12);
  try {
    for (let step = 0; step < steps; step++) {
      await refresh(device, at);
      acknowledged();
      if (random.chance(0.15)) await revokeAccess(device, at);
    }
    await end(device, how, at);
    acknowledged();
  } catch (error) {
    if (error instanceof WrongAnswer) throw error;
  }
}
