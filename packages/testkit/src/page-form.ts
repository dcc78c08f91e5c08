// What stands in the form of one of our pages, for tests that have no browser to read it.

const UNESCAPED: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
const unescaped = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#39);/g, (found) => UNESCAPED[found] ?? found);

/** The hidden fields of a page's form. */
export const hiddenIn = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      unescaped(name),
      unescaped(value),
    ]),
  );

export const actionIn = (text: string): string =>
  unescaped(/<form method="post" action="([^"]*)">/.exec(text)?.[1] ?? '');
