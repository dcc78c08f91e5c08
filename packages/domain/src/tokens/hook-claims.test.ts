import { LIMITS } from '@latchkey/protocol/limits';
import * as row from '@latchkey/testkit/conformance/rows';
import { expect, test } from 'vitest';
import { allow, refuse } from '../decision.ts';
import type { TokenGrant } from './access-grant.ts';
import type { HookClaims } from './added-claims.ts';
import { heldToHook, hookProblem } from './hook-claims.ts';

const many = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`);
const resource = row.resource(1);

test.each<readonly [string, Partial<HookClaims>, string | undefined]>([
  ['nothing', {}, undefined],
  ['claims of its own', { add: { plan: 1 }, remove: ['seats', 'birthdate'] }, undefined],
  ['as many as may be', { remove: many(LIMITS.hookClaimsMax) }, undefined],
  ['one more', { add: { plan: 1 }, remove: many(LIMITS.hookClaimsMax) }, 'too many claims'],
  ['no name', { add: { 'a b': 1 } }, 'a claim without a valid name'],
  ['a claim of the protocol', { add: { scope: 'admin' } }, 'scope: its meaning is fixed'],
  ['a claim of the protocol, taken away', { remove: ['cnf'] }, 'cnf: its meaning is fixed'],
  ['something personal', { add: { birthdate: 'x' } }, 'birthdate: it is a secret or personal'],
])('RSV-08: what a hook may say: %s', (_, said, problem) => {
  expect(hookProblem(resource, { add: {}, remove: [], ...said })).toBe(problem);
});

test('RSV-08: where only the resource can read its tokens, a hook may say what is personal, and no secret', () => {
  const encrypted = { ...resource, format: 'jwe' as const };
  expect(hookProblem(encrypted, { add: { birthdate: 'x' }, remove: [] })).toBeUndefined();
  expect(hookProblem(encrypted, { add: { password: 'x' }, remove: [] })).toBe('password: it is a secret or personal');
});

test('a token is issued for the resource that the hook was asked about, and for those that have no hook', () => {
  const grantFor = (of: typeof resource) => allow({ access: { resource: of } } as unknown as TokenGrant, []);
  const asked = grantFor(resource);
  expect(heldToHook(asked, resource.id)).toBe(asked);
  expect(heldToHook(asked, undefined)).toEqual(refuse('claim_hook_failed'));
  expect(heldToHook(asked, row.idOf('res', 2))).toEqual(refuse('claim_hook_failed'));
  const builtIn = grantFor({ ...resource, builtIn: true });
  expect(heldToHook(builtIn, undefined)).toBe(builtIn);
  const refused = refuse('code_unknown');
  expect(heldToHook(refused, undefined)).toBe(refused);
});
