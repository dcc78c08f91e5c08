import { NOTICE_TOPIC } from '@latchkey/domain/accounts/notice';
import { ACCOUNT_MAIL_TOPIC } from '@latchkey/domain/login/account-mail';
import { SESSION_ENDED } from '@latchkey/domain/login/end-writes';
import { BACKCHANNEL_LOGOUT } from '@latchkey/domain/login/tell-clients';
import type { OutboxRow } from '@latchkey/domain/write';
import { DURATIONS } from '@latchkey/protocol/limits';
import type { Server } from '../server.ts';
import { deliverAccountMail, deliverNotice } from './account-mail.ts';
import { deliverBackchannelLogout, receiverOfLogout } from './backchannel-logout.ts';
import { replaceSessionEnded } from './session-ended.ts';

/** Messages that go out into the world. */
export interface Delivery {
  /** Brings one to its receiver; a throw is a failed attempt, and is logged. It may happen twice. */
  readonly deliver: (message: OutboxRow, server: Server) => Promise<void>;
  /** Whose messages go one after another: one that is slow or dead delays its own, and nobody else's for long. */
  readonly receiver: (message: OutboxRow) => string;
  /** So long after it was written a message is given up. */
  readonly giveUpAfterSeconds: number;
}

/** Messages that others take the place of. */
export interface Replacement {
  /** Takes one out of the queue and puts in what follows from it, in one transaction. */
  readonly replace: (message: OutboxRow, server: Server) => Promise<void>;
}

export type Topic = Delivery | Replacement;

/** A mailbox that takes no mail is no reason to put off the mail for others, whoever had it sent there. */
const ofItsOwn = ({ id }: OutboxRow): string => `mail ${id}`;

/** What becomes of the messages of each topic. An alert goes to the log, where a collector can look for its name. */
export const TOPICS: Readonly<Record<string, Topic>> = {
  alert: {
    deliver: ({ id, body }, server) => {
      server.log.warn('alert delivered', { message: id, ...body });
      return Promise.resolve();
    },
    receiver: () => 'log',
    giveUpAfterSeconds: DURATIONS.alertRetry,
  },
  [SESSION_ENDED]: { replace: replaceSessionEnded },
  [BACKCHANNEL_LOGOUT]: {
    deliver: deliverBackchannelLogout,
    receiver: receiverOfLogout,
    giveUpAfterSeconds: DURATIONS.backchannelLogoutRetry,
  },
  [ACCOUNT_MAIL_TOPIC]: {
    deliver: deliverAccountMail,
    receiver: ofItsOwn,
    giveUpAfterSeconds: DURATIONS.oneTimeLink,
  },
  [NOTICE_TOPIC]: { deliver: deliverNotice, receiver: ofItsOwn, giveUpAfterSeconds: DURATIONS.noticeRetry },
};
