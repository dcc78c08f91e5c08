import type { SectorDocument } from '@latchkey/domain/clients/create-client';
import { isCallableUri } from '@latchkey/protocol/redirect-uri';
import { fail, ok, type Result } from '@latchkey/protocol/result';
import type { Refusal, Server } from '../server.ts';

/**
 * Reads the document that says which redirect URIs belong to one sector: whoever runs its host vouches for them. It is
 * fetched as anything on somebody's word is: no redirect, no address of our own network, within limits.
 *
 * @returns `sector_identifier_invalid`
 * @spec OIDC Registration §5 (OIDC-03)
 */
export async function readSectorDocument(uri: string, server: Server): Promise<Result<SectorDocument, Refusal>> {
  const wrong = (detail: string) => fail({ error: 'sector_identifier_invalid', detail } as const);
  if (!isCallableUri(uri, server.settings.fetchAllow)) return wrong('sector_identifier_uri is not a plain https URI.');
  const answer = await server.fetch(uri, { method: 'GET', headers: { accept: 'application/json' } });
  if (!answer.ok || answer.value.status !== 200) return wrong('The document could not be fetched.');
  const redirectUris = listIn(answer.value.body);
  return redirectUris === undefined
    ? wrong('The document is no JSON array of strings.')
    : ok({ host: new URL(uri).hostname, redirectUris });
}

function listIn(body: Uint8Array): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
