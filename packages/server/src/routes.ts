import { ADMIN_ROUTES } from './endpoints/admin/routes.ts';
import { listConsents, withdrawConsent } from './endpoints/api/consents.ts';
import { login } from './endpoints/api/login.ts';
import { logout } from './endpoints/api/logout.ts';
import { me } from './endpoints/api/me.ts';
import { password } from './endpoints/api/password.ts';
import { refresh } from './endpoints/api/refresh.ts';
import { endOwnSession, endSessions, listSessions } from './endpoints/api/sessions.ts';
import { leakedApiKeys } from './endpoints/api-keys-leaked.ts';
import { authorization, authorizationByPost } from './endpoints/authorization.ts';
import { confirmEndSession, endSession, endSessionByPost } from './endpoints/end-session.ts';
import { healthz, readyz } from './endpoints/health.ts';
import { introspection } from './endpoints/introspection.ts';
import { jwks } from './endpoints/jwks.ts';
import { metadata, openidConfiguration } from './endpoints/metadata.ts';
import { metrics } from './endpoints/metrics.ts';
import { once } from './endpoints/once.ts';
import {
  accountApiKeys,
  changeAccountApiKeys,
  createAccountApiKey,
  newAccountApiKey,
} from './endpoints/pages/account/api-keys.ts';
import { accountApplications, withdrawAccountApplication } from './endpoints/pages/account/applications.ts';
import { accountIdentifiers, changeAccountIdentifiers } from './endpoints/pages/account/identifiers.ts';
import { accountOverview, accountSignOut } from './endpoints/pages/account/overview.ts';
import { accountPassword, changeAccountPassword } from './endpoints/pages/account/password.ts';
import { accountProfile, setAccountProfile } from './endpoints/pages/account/profile.ts';
import { accountSessions, endAccountSessions } from './endpoints/pages/account/sessions.ts';
import { mailbox, register, reset, signInLink } from './endpoints/pages/ask-for-mail.ts';
import { chooseAccount, chooseAccountForm } from './endpoints/pages/choose-account.ts';
import { consent, consentForm } from './endpoints/pages/consent.ts';
import { devMail } from './endpoints/pages/dev-mail.ts';
import { registerLink, registerLinkForm } from './endpoints/pages/links/register.ts';
import { resetLink, resetLinkForm } from './endpoints/pages/links/reset.ts';
import { signInByLink, signInLinkForm } from './endpoints/pages/links/sign-in.ts';
import { verifyLink, verifyLinkForm } from './endpoints/pages/links/verify.ts';
import { logo } from './endpoints/pages/logo.ts';
import { setUp, setUpForm } from './endpoints/pages/setup.ts';
import { signIn, signInForm } from './endpoints/pages/signin.ts';
import { reports } from './endpoints/reports.ts';
import { revocation } from './endpoints/revocation.ts';
import { revocations } from './endpoints/revocations.ts';
import { status } from './endpoints/status.ts';
import { statusList, statusListAggregation } from './endpoints/status-lists.ts';
import { token } from './endpoints/token.ts';
import { userinfo, userinfoByPost } from './endpoints/userinfo.ts';
import { verify } from './endpoints/verify.ts';
import type { Endpoint } from './server.ts';

/** Every endpoint, top to bottom. The router, the reference and the credential matrix test are made from this list. */
export const ROUTES: readonly Endpoint[] = [
  status,
  metadata,
  openidConfiguration,
  jwks,
  login,
  refresh,
  logout,
  me,
  listSessions,
  endOwnSession,
  endSessions,
  listConsents,
  withdrawConsent,
  password,
  token,
  authorization,
  authorizationByPost,
  logo,
  signInForm,
  signIn,
  chooseAccountForm,
  chooseAccount,
  consentForm,
  consent,
  accountOverview,
  accountSignOut,
  accountProfile,
  setAccountProfile,
  accountSessions,
  endAccountSessions,
  accountApplications,
  withdrawAccountApplication,
  accountApiKeys,
  changeAccountApiKeys,
  newAccountApiKey,
  createAccountApiKey,
  accountPassword,
  changeAccountPassword,
  accountIdentifiers,
  changeAccountIdentifiers,
  reset.page,
  reset.send,
  register.page,
  register.send,
  signInLink.page,
  signInLink.send,
  mailbox,
  resetLinkForm,
  resetLink,
  registerLinkForm,
  registerLink,
  signInLinkForm,
  signInByLink,
  verifyLinkForm,
  verifyLink,
  setUpForm,
  setUp,
  endSession,
  endSessionByPost,
  confirmEndSession,
  devMail,
  userinfo,
  userinfoByPost,
  introspection,
  revocation,
  leakedApiKeys,
  revocations,
  reports,
  verify,
  once,
  statusListAggregation,
  statusList,
  healthz,
  readyz,
  metrics,
  ...ADMIN_ROUTES,
];
