import { isInNetworks } from '@latchkey/protocol/network';

/** Addresses of one list of networks whose answer is kept. */
const KEPT_MAX = 100;
const known = new WeakMap<readonly string[], Map<string, boolean>>();

/** Whether an address lies in one of these networks, as the server sees it; most come again and again. */
export function isWithin(address: string | undefined, networks: readonly string[]): boolean {
  if (address === undefined) return false;
  const answers = known.get(networks) ?? new Map<string, boolean>();
  const kept = answers.get(address);
  if (kept !== undefined) return kept;
  const zone = address.indexOf('%'); // which of our own interfaces it came through is not of its network
  const isInside = isInNetworks(zone < 0 ? address : address.slice(0, zone), networks);
  if (answers.size >= KEPT_MAX) answers.clear();
  answers.set(address, isInside);
  known.set(networks, answers);
  return isInside;
}
