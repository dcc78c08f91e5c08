import type { ClientId } from './types.ts';

/**
 * The client of our own command line, with which a person signs in to the admin API: the same in every deployment, so
 * that whoever runs the command need not know its id. It is public, and each sign-in with it is confirmed on a page.
 *
 * @spec RFC 8252 §7.3, §8.5, §8.6
 */
export const COMMAND_LINE = {
  clientId: 'cli_00000000000000000000000001' as ClientId,
  name: 'Latchkey command line',
  /** A port is added to it, whichever is free. */
  redirectUri: 'http://127.0.0.1/callback',
} as const;
