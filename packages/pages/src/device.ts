/** The program and the system that a browser says it is and runs on; undefined what it does not say. */
export interface Device {
  readonly browser: string | undefined;
  readonly system: string | undefined;
}

type Marks = readonly (readonly [mark: RegExp, name: string])[];

/** In this order: many browsers also say the names of those that they descend from. */
const BROWSERS: Marks = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOPT\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/\S+ (?:\S+ )*Safari\//, 'Safari'],
  [/^curl\//, 'curl'],
];
const SYSTEMS: Marks = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b|\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/**
 * Reads a user agent, for a person to recognise a device. It is what the browser says of itself, and no more than that:
 * nothing is decided by it, and what it does not say is not guessed.
 */
export function deviceOf(userAgent: string): Device {
  const named = (marks: Marks) => marks.find(([mark]) => mark.test(userAgent))?.[1];
  return { browser: named(BROWSERS), system: named(SYSTEMS) };
}
