/** Why a session or family ended. */
export type EndReason =
  | 'logout'
  | 'ended_by_owner'
  | 'ended_by_administrator'
  | 'password_changed'
  | 'account_disabled'
  | 'client_deleted'
  | 'revoked_by_client'
  | 'refresh_token_reused'
  | 'refresh_token_newer_than_store'
  | 'mac_key_revoked'
  | 'too_many_sessions'
  | 'too_many_families'
  | 'consent_withdrawn'
  | 'other_account_signed_in'
  | 'authorization_code_replayed'
  | 'leaked';
