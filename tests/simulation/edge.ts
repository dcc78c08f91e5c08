import { StoreUnavailable } from '@latchkey/domain/ports/store';
import { renderRefusal } from '@latchkey/server/http/refusal';
import { ROUTES } from '@latchkey/server/routes';
import type { Call, Endpoint, Server } from '@latchkey/server/server';

const BY_PLACE: ReadonlyMap<string, Endpoint> = new Map(ROUTES.map((one) => [`${one.method} ${one.path}`, one]));

/**
 * Answers a request by the endpoint of the route table, without the router in front of it: building one for each of
 * ten thousand servers would be most of the work.
 */
export async function answer(request: Request, server: Server): Promise<Response> {
  const url = new URL(request.url);
  const place = `${request.method} ${url.pathname}`;
  const cut = url.pathname.lastIndexOf('/');
  const exact = BY_PLACE.get(place);
  const endpoint = exact ?? BY_PLACE.get(`${request.method} ${url.pathname.slice(0, cut)}/:id`);
  if (endpoint === undefined) throw new Error(`there is no ${place}`);
  const params = exact === undefined ? { id: url.pathname.slice(cut + 1) } : {};
  const call: Call = { request, url, params, address: undefined, isFromProxy: false, target: undefined };
  try {
    const result = await endpoint.answer(call, server);
    return result.ok ? result.value : renderRefusal(result.error, endpoint, call, server);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    return renderRefusal({ error: 'storage_unavailable' }, endpoint, call, server);
  }
}
