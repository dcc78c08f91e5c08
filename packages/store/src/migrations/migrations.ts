import { first } from './0001-first.ts';
import { signIn } from './0002-sign-in.ts';
import { people } from './0003-people.ts';
import { credentials } from './0004-credentials.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [first, signIn, people, credentials];
