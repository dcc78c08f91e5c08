import type { ErrorId } from '@latchkey/protocol/errors';
import { LIMITS } from '@latchkey/protocol/limits';
import { isMetadataName } from '../accounts/metadata.ts';
import { isRoleName } from '../administration/roles.ts';
import { isClaimName, isProtocolClaim, mayCarry, sensitivityOf } from './claim-names.ts';
import type { Resource } from './resource.ts';

/** What is wrong with what a resource wants its tokens to say, and where. */
export interface ClaimsProblem {
  readonly error: Extract<ErrorId, 'claim_invalid' | 'claim_reserved' | 'claim_sensitive' | 'permission_invalid'>;
  readonly detail: string;
}

type Said = Pick<Resource, 'claims' | 'permissions' | 'format' | 'allowsEmailClaim'>;

const PERMISSION = /^[A-Za-z0-9._:/*-]+$/;

/** Looks at the claims and the permissions of a resource; undefined when all of them may stand in its tokens. */
export function claimsProblem(resource: Said): ClaimsProblem | undefined {
  return mappedProblem(resource) ?? permissionsProblem(resource.permissions);
}

function mappedProblem(resource: Said): ClaimsProblem | undefined {
  const { claims } = resource;
  if (claims.length > LIMITS.mappedClaimsMax)
    return { error: 'claim_invalid', detail: `There may be ${LIMITS.mappedClaimsMax} claims.` };
  const names = claims.map(({ claim }) => claim);
  for (const [index, { claim, from }] of claims.entries()) {
    if (!isClaimName(claim) || !isMetadataName(from) || names.indexOf(claim) < index)
      return { error: 'claim_invalid', detail: `It is number ${index + 1} of the claims.` };
    if (isProtocolClaim(claim)) return { error: 'claim_reserved', detail: `It is ${claim}.` };
    const [sensitive] = [claim, from].flatMap((name) => {
      const why = sensitivityOf(name);
      return why === undefined || mayCarry(resource, name) ? [] : [`${name}: ${WHY[why]}`];
    });
    if (sensitive !== undefined) return { error: 'claim_sensitive', detail: sensitive };
  }
  return undefined;
}

/** What a token may hold instead, for each reason why it may not. */
const WHY = {
  secret: 'a secret, which no token may hold.',
  personal: 'personal, and this resource has tokens that anybody can read.',
  email: 'personal, and this resource has tokens that anybody can read; allow_email_claim allows it.',
} as const;

function permissionsProblem(permissions: Resource['permissions']): ClaimsProblem | undefined {
  const roles = Object.entries(permissions);
  if (roles.length > LIMITS.permissionRolesMax)
    return { error: 'permission_invalid', detail: `There may be ${LIMITS.permissionRolesMax} roles.` };
  const wrong = roles.findIndex(
    ([role, given]) => !isRoleName(role) || given.length > LIMITS.permissionsPerRoleMax || !given.every(isPermission),
  );
  return wrong < 0 ? undefined : { error: 'permission_invalid', detail: `It is number ${wrong + 1} of the roles.` };
}

const isPermission = (text: string): boolean => text.length <= LIMITS.permissionMax && PERMISSION.test(text);

/** What a resource wants its tokens to say, and how large they may become. */
export type SaidByTokens = Pick<Resource, 'claims' | 'permissions' | 'allowsEmailClaim' | 'accessTokenBytes'>;

/** As much of it as is there, with everything once and in one order. */
export const tidied = ({ claims, permissions, ...rest }: Partial<SaidByTokens>): Partial<SaidByTokens> => ({
  ...(claims === undefined ? {} : { claims: claims.map(({ claim, from }) => ({ claim, from })) }),
  ...(permissions === undefined ? {} : { permissions: ordered(permissions) }),
  ...(rest.allowsEmailClaim === undefined ? {} : { allowsEmailClaim: rest.allowsEmailClaim }),
  ...(rest.accessTokenBytes === undefined ? {} : { accessTokenBytes: rest.accessTokenBytes }),
});

const ordered = (permissions: Resource['permissions']): Resource['permissions'] =>
  Object.fromEntries(
    Object.keys(permissions)
      .sort()
      .map((role) => [role, [...new Set(permissions[role])].sort()]),
  );
