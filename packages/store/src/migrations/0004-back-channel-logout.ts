import type { Migration } from './migration.ts';

/** Where clients are told of logouts, and in which session each family began, so that they are told of the right ones. */
export const backChannelLogout: Migration = {
  number: 4,
  name: 'back-channel-logout',
  statements: [
    `ALTER TABLE clients ADD COLUMN backchannel_logout_uri TEXT`,
    `ALTER TABLE clients ADD COLUMN backchannel_logout_session_required {int} NOT NULL DEFAULT 0`,
    `ALTER TABLE families ADD COLUMN began_in {bytes}`,
    `UPDATE families SET began_in = session_id`,
    `CREATE INDEX families_began_in ON families (began_in, client_id) WHERE began_in IS NOT NULL`,
  ],
};
