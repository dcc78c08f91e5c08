import { expect, test } from 'vitest';
import { STYLE, themeStyle } from './layout.ts';

const luminance = (colour: string): number => {
  const digits = colour.length === 4 ? colour.replace(/[^#]/g, '$&$&') : colour;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(digits.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one: string, other: string): number => {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const coloursOf = (css: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...css.matchAll(/--([\w-]+):(#[\da-f]+)/g)].map(([, name = '', colour = '']) => [name, colour]));
const [LIGHT = {}, DARK = {}] = STYLE.split('@media(prefers-color-scheme:dark)').map(coloursOf);

const READ = ['text/card', 'text/bg', 'muted/card', 'link/card', 'on-accent/accent', 'bad/bad-bg'] as const;
const SEEN = ['edge/card', 'bad/card', 'link/bg'] as const; // borders and outlines: WCAG 2.2 §1.4.11

test.each([
  ['light', LIGHT],
  ['dark', DARK],
])('WCAG 2.2 §1.4.3, §1.4.11: what is read and what is pressed stands out in %s', (_, colours) => {
  const of = (pair: string) =>
    contrast(...(pair.split('/').map((name) => colours[name] ?? '#000') as [string, string]));
  expect(READ.filter((pair) => of(pair) < 4.5)).toEqual([]);
  expect(SEEN.filter((pair) => of(pair) < 3)).toEqual([]);
});

test('WCAG 2.2 §1.4.3: whatever the accent, the text of the button can be read', () => {
  const accents = Array.from(
    { length: 16 ** 3 },
    (_, at) => `#${at.toString(16).padStart(3, '0').replace(/./g, '$&$&')}`,
  );
  const onAccent = (accent: string) => /--on-accent:(#\w+)/.exec(themeStyle({ name: 'x', accent }))?.[1] ?? accent;
  expect(accents.filter((accent) => contrast(accent, onAccent(accent)) < 4.5)).toEqual([]);
});
