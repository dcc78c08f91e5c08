import { BlockList, isIP } from 'node:net';
import { type IsProxy, plainAddress } from '@latchkey/protocol/client-address';
import { EXIT, Stop } from '../exit-codes.ts';
import type { Place } from './options.ts';

/** Who is on the other side of a sidecar. */
export interface Peers {
  /** Whether whoever has this address is answered. */
  readonly mayAsk: (address: string | undefined) => boolean;
  /** Whether it is a proxy whose word about the request before it is believed. */
  readonly isProxy: IsProxy;
}

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/**
 * Whose questions are answered: whoever could ask at will would learn which tokens are good. On loopback it is this
 * machine; beyond it, those who are named; at a socket, those whom the file lets in. Where a request came from is told by
 * those alone who are named, or by this machine.
 */
export function peersOf(place: Place, named: readonly string[] = []): Peers {
  const isHere = place.kind === 'unix' || place.host === '::1' || place.host.startsWith('127.');
  if (!isHere && named.length === 0)
    throw new Stop(
      EXIT.usage,
      `${place.host} can be reached from other machines, and nobody is named who may ask.`,
      'Name the addresses of your proxies: --trust 10.0.0.7 --trust 10.1.0.0/16',
    );
  const list = new BlockList();
  for (const one of named.length === 0 ? LOOPBACK : named) addTo(list, one);
  const isProxy: IsProxy = (address) =>
    isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return {
    mayAsk: (address) => place.kind === 'unix' || isProxy(plainAddress(address ?? '')),
    isProxy,
  };
}

function addTo(list: BlockList, text: string): void {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const max = family === 'ipv6' ? 128 : 32;
  const isWhole = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= max);
  if (isIP(address) === 0 || !isWhole || more !== undefined)
    throw new Stop(EXIT.usage, `${text} is no address.`, 'Write 10.0.0.7, 10.1.0.0/16 or fd00::/8.');
  list.addSubnet(address, Number(bits ?? max), family);
}
