import { first } from './0001-first.ts';
import { signIn } from './0002-sign-in.ts';
import { backChannelLogout } from './0003-back-channel-logout.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [first, signIn, backChannelLogout];
