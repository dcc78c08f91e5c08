import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventStreamParser, type StreamEvent, StreamTooLong } from './event-stream.ts';

const parsed = (...pieces: readonly string[]) => {
  const events: StreamEvent[] = [];
  const parse = createEventStreamParser((event) => events.push(event));
  for (const piece of pieces) parse(piece);
  return events;
};

test('WHATWG HTML §9.2.6: an event is its lines up to an empty one', () => {
  expect(parsed('event: revocation\nid: 7:1\ndata: {"a":1}\n\nevent: heartbeat\ndata: 2\n\n')).toEqual([
    { event: 'revocation', id: '7:1', data: '{"a":1}' },
    { event: 'heartbeat', id: '7:1', data: '2' },
  ]);
});

test.each([
  ['no event name means message', 'data: x\n\n', [{ event: 'message', id: undefined, data: 'x' }]],
  ['no data means no event', 'event: x\nid: 1\n\n', []],
  [
    'several lines of data are joined',
    'data: a\ndata:\ndata: b\n\n',
    [{ event: 'message', id: undefined, data: 'a\n\nb' }],
  ],
  [
    'one space after the colon is left out, no more',
    'data:  a\n\ndata:b\n\n',
    [
      { event: 'message', id: undefined, data: ' a' },
      { event: 'message', id: undefined, data: 'b' },
    ],
  ],
  ['lines may end with CR LF', 'event: e\r\ndata: x\r\n\r\n', [{ event: 'e', id: undefined, data: 'x' }]],
  ['comments are passed over', ': hello\ndata: x\n:\n\n', [{ event: 'message', id: undefined, data: 'x' }]],
  [
    'fields that nobody knows are passed over',
    'retry: 5\nwhat\ndata: x\n\n',
    [{ event: 'message', id: undefined, data: 'x' }],
  ],
  ['what is not finished is no event yet', 'data: x\n', []],
])('%s', (_, text, events) => {
  expect(parsed(text)).toEqual(events);
});

test('wherever a stream is cut, the events are the same', () => {
  const text = 'event: revocation\r\nid: 7:1\r\ndata: {"ü":"🔑"}\n\n: beat\n\nevent: heartbeat\ndata: a\ndata: b\n\n';
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      expect(parsed(...pieces)).toEqual(parsed(text));
    }),
  );
});

test('whatever the text, it is events or a stream that is too long', () => {
  const piece = fc.string({
    unit: fc.constantFrom('\n', '\r', ':', ' ', 'data', 'event', 'id', '\0', 'ü', '{'),
    maxLength: 30,
  });
  fc.assert(fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => void parsed(...pieces)));
});

test('a line, and an event, of 65536 characters at most', () => {
  const line = (length: number) => () => parsed('data: ', 'x'.repeat(length - 'data: '.length));
  expect(line(65_535)).not.toThrow();
  expect(line(65_536)).not.toThrow();
  expect(line(65_537)).toThrow(StreamTooLong);
  const lines = (length: number) => () => parsed('data: x\n', `data: ${'x'.repeat(length - 1)}\n\n`);
  expect(lines(65_535)).not.toThrow();
  expect(lines(65_536)).not.toThrow();
  expect(lines(65_537)).toThrow(StreamTooLong);
});

test('the length of one event is not counted on the next', () => {
  const half = `data: ${'x'.repeat(40_000)}\n\n`;
  expect(parsed(half, half, half)).toHaveLength(3);
});
