import type { Refusal } from './server.ts';

/** What a decision says beside the catalogue, as a member of a refusal. */
export const detailOf = (detail: string | undefined): Pick<Refusal, 'detail'> =>
  detail === undefined ? {} : { detail };
