import { readFileSync } from 'node:fs';

/** The admin API, called as anyone could: with the client credential that the server wrote for its administrator. */
export interface Admin {
  get(path: string): Promise<Answer>;
  post(path: string, body: object): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Credential {
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
}

/** Gets an access token for the admin API with the credential of `file`. */
export async function openAdmin(file: string, issuer: string): Promise<Admin> {
  const credential: Credential = JSON.parse(readFileSync(file, 'utf8'));
  const basic = Buffer.from(`${credential.client_id}:${credential.client_secret}`).toString('base64');
  const answer = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${issuer}/admin/api` }),
  });
  const body = (await answer.json()) as Readonly<Record<string, string>>;
  if (!answer.ok) throw new Error(`The administrator's credential in ${file} was refused: ${body.error}`);
  const call = async (method: string, path: string, sent?: object): Promise<Answer> => {
    const response = await fetch(`${issuer}/admin/api${path}`, {
      method,
      headers: { authorization: `Bearer ${body.access_token}`, 'content-type': 'application/json' },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    });
    return { status: response.status, body: (await response.json().catch(() => ({}))) as Answer['body'] };
  };
  return { get: (path) => call('GET', path), post: (path, sent) => call('POST', path, sent) };
}
