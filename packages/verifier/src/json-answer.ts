import { type JsonObject, parseStrictJson } from '@latchkey/tokens/formats/strict-json';

/** Reads a JSON answer of bounded size. Throws for anything else: it is not an answer of our server. */
export async function jsonAnswer(response: Response, bytesMax: number): Promise<unknown> {
  return JSON.parse(await textAnswer(response, bytesMax));
}

/** Reads a text of bounded size. */
export async function textAnswer(response: Response, bytesMax: number): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await bytesOf(response, bytesMax));
}

/** The same for an object that decides: no name stands in it twice, and it nests no deeper than a token may. */
export async function strictAnswer(response: Response, bytesMax: number): Promise<JsonObject> {
  const answer = parseStrictJson(await bytesOf(response, bytesMax));
  if (answer === undefined) throw new Error('an answer that is no object');
  return answer;
}

async function bytesOf(response: Response, bytesMax: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error('an empty answer');
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > bytesMax) {
      await reader.cancel();
      throw new Error('an answer larger than it may be');
    }
    parts.push(value);
  }
  return Buffer.concat(parts);
}
