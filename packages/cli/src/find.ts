import type { Admin } from './admin-client.ts';
import { EXIT, Stop } from './exit-codes.ts';
import type { Json } from './output.ts';

/** The id of an account, named by its id or by one of its identifiers. */
export async function accountId(admin: Admin, name: string): Promise<string> {
  if (name.startsWith('acc_')) return segment(name);
  const [account] = await admin.all('/accounts', { identifier: name });
  if (account === undefined) throw new Stop(EXIT.notFound, `There is no account ${name}.`, 'Try latchkey account list');
  return String(account.id);
}

/** A resource, named by its id or by its identifier. */
export async function findResource(admin: Admin, name: string): Promise<Json> {
  const resource = (await admin.all('/resources')).find(({ id, identifier }) => id === name || identifier === name);
  if (resource === undefined)
    throw new Stop(EXIT.notFound, `There is no resource ${name}.`, 'Try latchkey resource list');
  return resource;
}

/** A part of a path. An id holds nothing that would lead elsewhere, but a slip of the hand might. */
export const segment = (id: string): string => encodeURIComponent(id);
