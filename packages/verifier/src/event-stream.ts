/** One event of a stream. @spec WHATWG HTML §9.2.6 */
export interface StreamEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** Thrown for a stream with a line or event that is longer than any of ours. */
export class StreamTooLong extends Error {
  override readonly name = 'StreamTooLong';
}

const LINE_MAX = 65_536;

/** Reads server-sent events out of pieces of text, wherever those were cut. */
export function createEventStreamParser(onEvent: (event: StreamEvent) => void): (text: string) => void {
  let rest = '';
  let event = '';
  let id: string | undefined;
  let data: string[] = [];
  let size = 0;

  function take(line: string): void {
    if (line === '') {
      if (data.length > 0) onEvent({ event: event === '' ? 'message' : event, id, data: data.join('\n') });
      event = '';
      data = [];
      size = 0;
      return;
    }
    if (line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    size += value.length;
    if (size > LINE_MAX) throw new StreamTooLong('an event of the feed is too long');
    if (field === 'event') event = value;
    else if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  }

  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_MAX) throw new StreamTooLong('a line of the feed is too long');
    for (const line of lines) take(line.endsWith('\r') ? line.slice(0, -1) : line);
  };
}
