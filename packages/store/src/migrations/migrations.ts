import { first } from './0001-first.ts';
import { signIn } from './0002-sign-in.ts';
import { people } from './0003-people.ts';
import { backChannelLogout } from './0004-back-channel-logout.ts';
import { profiles } from './0005-profiles.ts';
import { acr } from './0006-acr.ts';
import { pairwise } from './0007-pairwise.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [first, signIn, people, backChannelLogout, profiles, acr, pairwise];
