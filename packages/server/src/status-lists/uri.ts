import type { Server } from '../server.ts';

/** Where a status list is: what its tokens say, and its own `sub`. */
export const statusListUri = (list: number, { settings }: Pick<Server, 'settings'>): string =>
  `${settings.issuer}/status-lists/${list}`;
