import { LIMITS } from '@latchkey/protocol/limits';
import { isScopeName } from '@latchkey/protocol/scope';
import type { ResourceId } from '@latchkey/protocol/types';
import type { Administrator } from '../administration/scopes.ts';
import { allow, type Decision, refuse, refuseWith } from '../decision.ts';
import type { ClientReader, Moment } from '../ports/reader.ts';
import { PLAIN_RESOURCE, type Resource } from './resource.ts';
import { claimsProblem, type SaidByTokens, tidied } from './resource-claims.ts';
import { isPlainAudience, likeness, parseResourceIdentifier } from './resource-identifier.ts';
import { type NewSecret, storedSecret } from './secret.ts';
import { formatError } from './token-format.ts';

/** What an administrator wants of a new resource. Of its credential there is only the hash. */
export interface CreateResourceCommand
  extends Pick<
      Resource,
      'name' | 'scope' | 'algorithm' | 'tokenType' | 'accessTokenSeconds' | 'format' | 'encryptionKey'
    >,
    Partial<SaidByTokens & Pick<Resource, 'hasStatusList'>> {
  readonly administrator: Administrator;
  readonly id: ResourceId;
  readonly identifier: string;
  /** The `aud` of its tokens, when it is not the identifier. */
  readonly audience: string | undefined;
  /** The credential with which its verifiers read the feed and introspect. */
  readonly secret: NewSecret;
}

/** All resources there are: there are few, and a new one must not be like any of them. */
export type CreateResourceFacts = readonly Resource[];

/** Loads what `decideCreateResource` looks at. */
export async function loadCreateResource(read: Pick<ClientReader, 'resources'>): Promise<CreateResourceFacts> {
  const all: Resource[] = [];
  let after: ResourceId | undefined;
  while (all.length < LIMITS.resourcesKeptMax) {
    const page = await read.resources({ after, limit: LIMITS.pageRowsMax });
    all.push(...page);
    after = page.at(-1)?.id;
    if (page.length < LIMITS.pageRowsMax) break;
  }
  return all;
}

/**
 * Decides a new resource. Neither its identifier nor its audience may be, or look like, those of another: a token for
 * one would be believed by the other.
 *
 * @returns `resource_malformed`, `audience_invalid`, `scope_malformed`, `encryption_key_missing`,
 *   `status_list_unsupported`, `resource_taken`, `limit_reached`, and what `claimsProblem` finds
 * @spec RFC 8707 §2, RFC 8725 §3.9
 */
export function decideCreateResource(
  resources: CreateResourceFacts,
  command: CreateResourceCommand,
  { now }: Moment,
): Decision<Resource> {
  const identifier = parseResourceIdentifier(command.identifier);
  if (identifier === undefined) return refuse('resource_malformed');
  const audience = command.audience ?? identifier;
  if (audience !== identifier && !isPlainAudience(audience)) return refuse('audience_invalid');
  if (command.scope.length > LIMITS.scopeNamesMax || !command.scope.every(isScopeName))
    return refuse('scope_malformed');
  const { hasStatusList = false } = command;
  const unmakeable = formatError({ ...command, hasStatusList });
  if (unmakeable !== undefined) return refuse(unmakeable);
  const names = new Set(resources.flatMap((other) => [likeness(other.identifier), likeness(other.audience)]));
  if (names.has(likeness(identifier)) || names.has(likeness(audience))) return refuse('resource_taken');
  if (resources.length >= LIMITS.resourcesKeptMax) return refuse('limit_reached');

  const resource: Resource = {
    id: command.id,
    version: 1,
    identifier,
    audience,
    name: command.name,
    createdAt: now,
    scope: [...new Set(command.scope)],
    algorithm: command.algorithm,
    tokenType: command.tokenType,
    accessTokenSeconds: command.accessTokenSeconds,
    ...PLAIN_RESOURCE,
    format: command.format,
    ...tidied(command),
    encryptionKey: command.encryptionKey,
    hasStatusList,
    builtIn: false,
  };
  const problem = claimsProblem(resource);
  if (problem !== undefined) return refuseWith(problem);
  return allow(resource, [
    { kind: 'resource.create', resource },
    { kind: 'secret.add', secret: storedSecret(resource.id, command.secret, now) },
    {
      kind: 'audit.append',
      entry: {
        at: now,
        event: 'resource.created',
        actor: command.administrator.id,
        subject: { resource: resource.id },
        detail: { identifier, audience, algorithm: resource.algorithm },
      },
    },
  ]);
}
