import type { Assurance } from '@latchkey/domain/authorization/assurance';
import type { Server } from '../server.ts';

/** By which methods people sign in here. @spec RFC 8176 §2 */
const METHODS = ['pwd'] as const;

/** What this deployment can assure of people who sign in. */
export const assuranceOf = ({ settings }: Pick<Server, 'settings'>): Assurance => ({
  levels: settings.acrLevels,
  methods: METHODS,
});
