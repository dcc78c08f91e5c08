import type { AccountId } from '@latchkey/protocol/types';
import { NOW } from '@latchkey/testkit/conformance/conformance-case';
import { expect, test } from 'vitest';
import { decideUncheckedPassword } from './unchecked-password.ts';

test.each([
  ['acc_1' as AccountId, { account: 'acc_1' }],
  [undefined, {}],
])('PWD-06 ASVS 6.2.12: a password that could not be looked for is taken, and noted of %s', (account, subject) => {
  const moment = { now: NOW, position: { epoch: 1, seq: 7 }, catalogue: 1 };
  expect(decideUncheckedPassword(account, moment)).toEqual({
    outcome: { ok: true, value: undefined },
    expects: [],
    writes: [
      {
        kind: 'audit.append',
        entry: { at: NOW, event: 'password.breach_unchecked', actor: 'server', subject, detail: {} },
      },
    ],
  });
});
