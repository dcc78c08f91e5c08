/** Reads a JSON answer of bounded size. Throws for anything else: it is not an answer of our server. */
export async function jsonAnswer(response: Response, bytesMax: number): Promise<unknown> {
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error('an empty answer');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let size = 0;
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > bytesMax) {
      await reader.cancel();
      throw new Error('an answer larger than it may be');
    }
    text += decoder.decode(value, { stream: true });
  }
  return JSON.parse(text + decoder.decode());
}
