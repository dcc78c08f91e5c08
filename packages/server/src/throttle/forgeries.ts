import type { Call, Refusal, Server } from '../server.ts';
import { addressKey } from './address.ts';

/** Texts that begin like tokens of ours and have no MAC of ours, from one address: beyond this the answer is to wait. */
const FORGERIES = { burst: 120, perMinute: 60 } as const;

/** Counts a forgery; the refusal when there were too many from this address. */
export async function countForgery({ address }: Call, server: Server): Promise<Refusal | undefined> {
  const wait = await server.ephemeral.take(`forgery:${addressKey(address)}`, FORGERIES);
  return wait > 0 ? { error: 'rate_limited', headers: { 'retry-after': String(wait) } } : undefined;
}
