import { LIMITS } from '@latchkey/protocol/limits';
import { isScopeName } from '@latchkey/protocol/scope';
import type { ResourceId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import type { ClientReader, Moment } from '../ports/reader.ts';
import type { Resource } from './resource.ts';
import { claimsProblem, tidied } from './resource-claims.ts';
import { formatError } from './token-format.ts';

/** What of a resource can be changed: not what it is called by others, nor what came with the server. */
export type ResourceChanges = Partial<
  Omit<Resource, 'id' | 'version' | 'identifier' | 'audience' | 'createdAt' | 'builtIn'>
>;

export interface UpdateResourceCommand {
  readonly administrator: Administrator;
  readonly id: ResourceId;
  readonly changes: ResourceChanges;
}

/** Loads what `decideUpdateResource` looks at. */
export const loadUpdateResource = (
  read: Pick<ClientReader, 'resourceById'>,
  { id }: Pick<UpdateResourceCommand, 'id'>,
): Promise<Resource | undefined> => read.resourceById(id);

/**
 * Decides what a resource is from now on. Tokens that it has keep the form in which they were made, and stay good.
 *
 * @returns `not_found`, `built_in`, `scope_malformed`, `encryption_key_missing`, `status_list_unsupported`, and what
 *   `claimsProblem` finds
 */
export function decideUpdateResource(
  resource: Resource | undefined,
  { administrator, changes }: UpdateResourceCommand,
  { now }: Moment,
): Decision<Resource> {
  if (resource === undefined) return refuse('not_found');
  if (resource.builtIn) return refuse('built_in');
  const { scope = resource.scope } = changes;
  if (scope.length > LIMITS.scopeNamesMax || !scope.every(isScopeName)) return refuse('scope_malformed');
  const unmakeable = formatError({ ...resource, ...changes });
  if (unmakeable !== undefined) return refuse(unmakeable);
  const updated: Resource = {
    ...resource,
    ...changes,
    ...tidied(changes),
    scope: [...new Set(scope)],
    version: resource.version + 1,
  };
  const problem = claimsProblem(updated);
  if (problem !== undefined) return refuseWith(problem);
  return allow(updated, [
    { kind: 'resource.update', resource: updated },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'resource.updated',
        actor: administrator.id,
        subject: { resource: resource.id },
        detail: { changed: Object.keys(changes).sort().join(' ') },
      },
    },
  ]);
}
